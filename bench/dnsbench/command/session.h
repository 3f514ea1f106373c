/* session: what run, max, search and compare share: the workload and expectations of the
 * options, the plan of a run, its progress, and where the outcome goes. */
#ifndef DNSBENCH_COMMAND_SESSION_H
#define DNSBENCH_COMMAND_SESSION_H

#include <stdatomic.h>
#include <stdbool.h>

#include "command/command.h"
#include "command/options.h"
#include "measure/result.h"
#include "report/progress.h"
#include "traffic/crew.h"

struct session {
    const struct command *command;     /* borrowed */
    const struct options *options;     /* borrowed */
    struct workload *workload;         /* owned */
    struct expectations *expectations; /* owned; NULL for none */
    struct study study;                /* owned; what has been measured */
    struct progress progress;          /* the live line */
    uint64_t total_ns;                 /* of the present run, for the live line */
    _Atomic bool *stop;                /* set by Ctrl-C */
};

/* A rate when none was said: lookups or queries a second. */
#define SESSION_LOOKUP_RATE 200.0
#define SESSION_QUERY_RATE 1000.0

/* Loads what the options name and prepares an empty study. The server (and of compare both) must
 * be given, and private unless --allow-remote was. On failure the error was told, VERDICT_USAGE
 * is given; session_deinit is due in any case. */
int session_init(struct session *session, const struct command *command,
                 const struct options *options);
void session_deinit(struct session *session);

/* The plan that the options describe, for a server: an open loop at rate (0: closed). Its
 * pacing, window, duration and warm-up are the command's to set further. */
struct run_plan session_plan(const struct session *session, const struct addr *server, double rate);

/* The rate said, or the default of this workload. */
double session_rate(const struct session *session);

/* Gives an open-loop plan one rate over its warm-up and measured time. */
void session_pace(struct run_plan *plan, double rate);

/* Says on stderr what is about to be sent: what, such as "200/s lookups", how, such as ", three
 * windows," or "", to whom, and for how long. --quiet silences it, but for a public address. */
void session_announce(const struct session *session, const struct run_plan *plan, const char *what,
                      const char *how);

/* Runs a plan into a new run of the study called name, with live progress. NULL: it could not
 * begin; the error was told, *code is the exit code, and a study that has runs already was judged
 * for it. */
struct result *session_run(struct session *session, const struct run_plan *plan, const char *name,
                           int *code);

/* Of a condition that went against the server: VERDICT_FAILED, or VERDICT_INVALID where the tester's
 * own lag alone made it so. text gets the reason. */
#define SESSION_BLAME_OCTETS 240
enum verdict session_blame(const struct threshold *condition, const struct result *result,
                           char text[SESSION_BLAME_OCTETS]);

/* Judges every run of the study by --fail-if. */
void session_apply_thresholds(struct session *session);

/* Prints the table to stdout (JSON instead where --json is "-") and writes the files asked for;
 * gives the exit code: the study's verdict, or VERDICT_USAGE when a file could not be written. */
int session_finish(struct session *session);

/* All of a command: reads the options, makes the session, measures, and gives the exit code. */
int session_main(const struct command *command, enum option_command which, int argc, char **argv,
                 int (*measure)(struct session *session));

/* Ctrl-C was pressed. */
bool session_interrupted(const struct session *session);

#endif
