/* resolv_conf: one pass over the lines. Owns nothing; any thread that may block. Bounds:
 * RESOLV_CONF_SERVERS_MAX servers, LINE_MAX_OCTETS a line (the rest of a longer one is passed over).
 * Fails: with the file's error; lines that make no sense are counted, as resolver libraries skip them. */
#include "resolv_conf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LINE_MAX_OCTETS 512
#define BLANKS " \t\r\n"
#define DNS_PORT 53

/* What stands behind "nameserver" (the keyword itself when nothing does), or NULL for any other line; cuts
 * the line in place. */
static char *nameserver_of(char *line)
{
    char *rest = NULL;
    char *keyword;
    line[strcspn(line, "#;")] = '\0';
    keyword = strtok_r(line, BLANKS, &rest);
    if (keyword == NULL || strcmp(keyword, "nameserver") != 0)
        return NULL;
    char *address = strtok_r(NULL, BLANKS, &rest);
    return address == NULL ? keyword : address;
}

/* Passes over what is left of a line that did not fit. */
static void skip_rest(FILE *in, const char *line)
{
    int octet = 0;
    if (strchr(line, '\n') != NULL)
        return;
    while (octet != EOF && octet != '\n')
        octet = fgetc(in);
}

enum err resolv_conf_read(const char *file, struct addr out[RESOLV_CONF_SERVERS_MAX], size_t *count,
                          size_t *left_out)
{
    char line[LINE_MAX_OCTETS];
    *count = 0;
    *left_out = 0;
    FILE *in = fopen(file, "re");
    if (in == NULL)
        return err_from_errno(errno);
    while (fgets(line, sizeof(line), in) != NULL) {
        skip_rest(in, line);
        const char *address = nameserver_of(line);
        if (address == NULL)
            continue;
        if (*count < RESOLV_CONF_SERVERS_MAX &&
            addr_parse(&out[*count], address, DNS_PORT) == ERR_OK)
            (*count)++;
        else
            (*left_out)++;
    }
    bool failed = ferror(in) != 0;
    fclose(in);
    return failed ? ERR_SYSTEM : ERR_OK;
}

bool resolv_conf_is_own(const struct addr *addr, const struct addr *own, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (addr_port(&own[i]) != addr_port(addr))
            continue;
        if (addr_same_host(&own[i], addr) || (addr_is_any(&own[i]) && addr_is_loopback(addr)))
            return true;
    }
    return false;
}
