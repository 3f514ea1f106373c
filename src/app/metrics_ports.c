/* metrics_ports: an address is opened only where nobody has it, so that a foreign server is found. Owns the servers.
 * Main thread. */
#include "metrics_ports.h"

#include <string.h>

#include "address_problem.h"
#include "local53/base/check.h"
#include "local53/base/log.h"
#include "local53/net/ports.h"

void metrics_ports_init(struct metrics_ports *ports, const struct config *config, struct loop *loop,
                        http_on_get on_get, void *owner)
{
    CHECK(config->metrics_count <= METRICS_PORTS_MAX);
    *ports = (struct metrics_ports){
        .loop = loop, .on_get = on_get, .owner = owner, .count = config->metrics_count};
    if (ports->count > 0)
        memcpy(ports->addresses, config->metrics, ports->count * sizeof(ports->addresses[0]));
}

static enum err open_one(struct metrics_ports *ports, size_t i)
{
    const struct addr *addr = &ports->addresses[i];
    enum err err = ports_probe_tcp(addr);
    return err != ERR_OK ? err
                         : http_server_open(&ports->servers[i], ports->loop, addr, ports->on_get,
                                            ports->owner);
}

static void tell_waiting(const struct addr *addr)
{
    char text[ADDR_TEXT_MAX];
    char owner[PORTS_OWNER_MAX];
    LOG_INFO("metrics.waiting", LOG_TEXT("address", addr_format(addr, text)),
             LOG_TEXT("held_by", ports_owner(addr, "TCP", owner)));
}

static void tell_open(const struct addr *addr)
{
    char text[ADDR_TEXT_MAX];
    LOG_INFO("metrics.open", LOG_TEXT("address", addr_format(addr, text)));
}

bool metrics_ports_open(struct metrics_ports *ports, bool patient)
{
    bool was_waiting = ports->waiting;
    ports->waiting = false;
    for (size_t i = 0; i < ports->count; i++) {
        bool had = ports->servers[i] != NULL;
        enum err err = had ? ERR_OK : open_one(ports, i);
        if (err == ERR_OK) {
            if (was_waiting && !had)
                tell_open(&ports->addresses[i]);
            continue;
        }
        if (!patient || (err != ERR_IN_USE && !was_waiting)) {
            address_problem_tell(&ports->addresses[i], "TCP", err);
            return false;
        }
        if (!was_waiting)
            tell_waiting(&ports->addresses[i]);
        ports->waiting = true;
    }
    return true;
}

static void tell_late(const struct addr *addr)
{
    char text[ADDR_TEXT_MAX];
    char owner[PORTS_OWNER_MAX];
    LOG_WARN("metrics.not_served", LOG_TEXT("address", addr_format(addr, text)),
             LOG_TEXT("held_by", ports_owner(addr, "TCP", owner)));
}

void metrics_ports_retry(struct metrics_ports *ports, bool beside)
{
    if (!ports->waiting)
        return;
    (void)metrics_ports_open(ports, true);
    if (beside || !ports->waiting || ++ports->late != METRICS_PORTS_LATE)
        return;
    for (size_t i = 0; i < ports->count; i++) {
        if (ports->servers[i] == NULL)
            tell_late(&ports->addresses[i]);
    }
}

void metrics_ports_close(struct metrics_ports *ports)
{
    for (size_t i = 0; i < ports->count; i++) {
        if (ports->servers[i] != NULL)
            http_server_close(ports->servers[i]);
        ports->servers[i] = NULL;
    }
    ports->count = 0;
}
