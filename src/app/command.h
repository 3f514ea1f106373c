/* command: what each command is to main: its word, its help, its body. One file a command. */
#ifndef LOCAL53_APP_COMMAND_H
#define LOCAL53_APP_COMMAND_H

/* Exit codes of every command. */
enum exit_code {
    EXIT_FINE = 0,       /* done; warnings may have been told */
    EXIT_FOUND = 1,      /* a check found something, or what was asked is not so */
    EXIT_USAGE = 2,      /* usage or configuration */
    EXIT_ENVIRONMENT = 3 /* a port, a privilege, a socket: the machine, not the configuration */
};

struct command {
    const char *word;    /* "check" */
    const char *summary; /* one line for the list of commands */
    const char *help;    /* usage, options, an example; one screen */
    /* argv[0] is the command's word; gives an enum exit_code. */
    int (*run)(int argc, char **argv);
};

extern const struct command command_run;
extern const struct command command_check;
extern const struct command command_explain;
extern const struct command command_ctl;

/* Tells a usage error on stderr, with the command's usage line, and gives EXIT_USAGE. */
int command_usage(const struct command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The configuration file: the value of -c, else LOCAL53_CONFIG, else /etc/local53/local53.yaml. */
const char *command_config_file(const char *option);

#endif
