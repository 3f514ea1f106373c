/* read: what `local53 doctor` looks at, read from /proc, /sys and the kernel. Reads only: nothing on the node is
 * changed, no module is loaded, no port is bound. Main thread. */
#ifndef LOCAL53_DOCTOR_READ_H
#define LOCAL53_DOCTOR_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "checks.h"

#define DOCTOR_MODE_MAX 16

/* The whole text of a file with its terminator, "" when it cannot be read; malloc'd, owned by the caller. */
char *doctor_read_text(const char *path);

/* The number a file holds; DOCTOR_NO_LIMIT when it holds none or cannot be read. */
uint64_t doctor_read_number(const char *path);

/* Looks through /proc/PID/fd for who has the sockets, and fills in process and ours where it may be seen. */
void doctor_name_processes(struct doctor_sockets *sockets);

/* Processes that have file capabilities may not be looked into, not even by their own user: the sockets of the user who
 * serves this control socket are taken for those of the local53 there. */
void doctor_name_ours(struct doctor_sockets *sockets, const char *control);

/* All links and their addresses; malloc'd items, owned by the caller. False with errno. */
bool doctor_read_links(struct doctor_links *links);

/* Octets this process's control group may use, the groups above it included; DOCTOR_NO_LIMIT for no limit. */
uint64_t doctor_read_memory_limit(void);

/* What kube-proxy says of its mode on 127.0.0.1:10249 (kube-proxy, metricsBindAddress), "" when nothing sensible
 * within half a second; gives out. */
const char *doctor_read_proxy_mode(char out[DOCTOR_MODE_MAX]);

/* True when a socket to netfilter's netlink can be opened. */
bool doctor_has_nfnetlink(void);

#endif
