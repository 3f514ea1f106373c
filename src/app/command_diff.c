/* diff: tells which names get something else under a new configuration; nothing is sent.
 * Bounds: DIFFERENCE_NAMES_MAX names. Fails: a file that is not right is told with its line, and nothing else. */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "json_text.h"
#include "load.h"
#include "local53/dns/text.h"
#include "local53/rules/difference.h"

static int run(int argc, char **argv);

const struct command command_diff = {
    .word = "diff",
    .summary = "list names whose answers change between two configurations",
    .help =
        "Usage: local53 diff OLD NEW [--replay FILE] [--json]\n\n"
        "Tries every name that the rules of either file speak of under both: names and excepts\n"
        "of endpoints, private zones, forward zones, special names. One line for each that\n"
        "changes: - what it was, + what it is; \"*.x\" are the names below x without a rule of\n"
        "their own. Other numbers, labels or orders of the same are no change. Only the files\n"
        "are read; nothing is sent.\n\n"
        "  -r, --replay FILE   try the names of FILE too (- for stdin), as dnsperf and dnsbench\n"
        "                      read them: NAME [TYPE] a line, # and ; begin comments\n"
        "      --json          one object, for programs\n\n"
        "Example:\n  local53 diff conf/demo.yaml conf/local53.yaml\n\n"
        "Exit codes: 0 nothing changes, 1 names change, 2 usage or configuration\n",
    .run = run,
};

/* What is asked for. */
struct diff_request {
    const char *old_file; /* configuration */
    const char *new_file; /* configuration */
    const char *replay;   /* file of names; NULL for none */
    bool json;            /* print for programs */
};

/* ---- The file of names --------------------------------------------------------------------------- */

/* Where a file of names is read. */
struct replay {
    FILE *in;                       /* owned, but for stdin */
    const char *file;               /* for messages */
    unsigned long line;             /* from 1 */
    struct difference_names *names; /* borrowed; where they go */
};

/* Takes one line in, which is changed; false with the problem told. */
static bool read_line(const struct replay *replay, char *line)
{
    static const char space[] = " \t\r\n";
    char *rest = NULL;
    const char *name_text = strtok_r(line, space, &rest);
    const char *type_text = strtok_r(NULL, space, &rest);
    const char *more = strtok_r(NULL, space, &rest);
    struct name name;
    uint16_t type;

    if (name_text == NULL || name_text[0] == '#' || name_text[0] == ';')
        return true;
    if (text_read_name(&name, name_text) != ERR_OK)
        command_error(&command_diff, "%s:%lu: '%.80s' is not a domain name", replay->file,
                      replay->line, name_text);
    else if (type_text != NULL && text_read_type(&type, type_text) != ERR_OK)
        command_error(&command_diff, "%s:%lu: '%.80s' is not a record type (A, AAAA, TYPE65 ...)",
                      replay->file, replay->line, type_text);
    else if (more != NULL)
        command_error(&command_diff, "%s:%lu: '%.80s' is one word too many: NAME [TYPE] a line",
                      replay->file, replay->line, more);
    else if (!difference_add_name(replay->names, &name))
        command_error(&command_diff, "%s:%lu: more than %d different names", replay->file,
                      replay->line, DIFFERENCE_NAMES_MAX);
    else
        return true;
    return false;
}

static bool read_lines(struct replay *replay)
{
    char *line = NULL;
    size_t cap = 0;
    bool good = true;

    while (good && getline(&line, &cap, replay->in) >= 0) {
        replay->line++;
        good = read_line(replay, line);
    }
    free(line);
    if (good && ferror(replay->in))
        command_error(&command_diff, "%s: %s", replay->file, strerror(errno));
    return good && !ferror(replay->in);
}

/* Adds the names of the file; false with the problem told. */
static bool read_replay(struct difference_names *names, const char *file)
{
    bool is_stdin = strcmp(file, "-") == 0;
    struct replay replay = {is_stdin ? stdin : fopen(file, "r"), is_stdin ? "stdin" : file, 0,
                            names};
    bool good;

    if (replay.in == NULL) {
        command_error(&command_diff, "%s: %s", file, strerror(errno));
        return false;
    }
    good = read_lines(&replay);
    if (!is_stdin)
        fclose(replay.in);
    return good;
}

/* ---- What is printed ------------------------------------------------------------------------------ */

/* Room for a name with "*." in front of it. */
#define NAME_TEXT_MAX (TEXT_NAME_MAX + 2)

static const char *write_name(const struct difference *difference, char out[NAME_TEXT_MAX])
{
    char text[TEXT_NAME_MAX];

    if (difference->below && difference->name->labels == 0)
        return "*";
    snprintf(out, NAME_TEXT_MAX, "%s%s", difference->below ? "*." : "",
             text_write_name(difference->name, text));
    return out;
}

static void print_answer(const char *sign, const struct difference_answer *answer)
{
    printf("  %s %s %s", sign, answer->source, answer->label);
    for (size_t i = 0; i < answer->value_count; i++)
        printf("%s%s", i == 0 ? ": " : ", ", answer->values[i]);
}

static void print_text(const struct difference *difference, void *context)
{
    char name[NAME_TEXT_MAX];

    (void)context;
    fputs(write_name(difference, name), stdout);
    if (difference->times > 0)
        printf(" (%llu time%s)", (unsigned long long)difference->times,
               difference->times == 1 ? "" : "s");
    print_answer("-", &difference->old);
    print_answer("+", &difference->new);
    putchar('\n');
}

static void print_json_answer(const char *key, const struct difference_answer *answer)
{
    printf(", \"%s\": {\"source\": ", key);
    json_text_write(stdout, answer->source);
    fputs(", \"label\": ", stdout);
    json_text_write(stdout, answer->label);
    fputs(", \"values\": [", stdout);
    for (size_t i = 0; i < answer->value_count; i++) {
        fputs(i > 0 ? ", " : "", stdout);
        json_text_write(stdout, answer->values[i]);
    }
    fputs("]}", stdout);
}

/* context: how many were printed before. */
static void print_json(const struct difference *difference, void *context)
{
    size_t *printed = context;
    char name[NAME_TEXT_MAX];

    fputs((*printed)++ > 0 ? ",\n  {\"name\": " : "\n  {\"name\": ", stdout);
    json_text_write(stdout, write_name(difference, name));
    printf(", \"times\": %llu", (unsigned long long)difference->times);
    print_json_answer("old", &difference->old);
    print_json_answer("new", &difference->new);
    putchar('}');
}

/* Tells all there is; true when something changes. */
static bool print_all(const struct difference_names *names, const struct ruleset *old,
                      const struct ruleset *new, bool json)
{
    struct difference_counts counts;
    size_t printed = 0;

    fputs(json ? "{\"changes\": [" : "", stdout);
    counts = difference_find(names, old, new, json ? print_json : print_text, &printed);
    if (json)
        printf("%s],\n \"changed\": %zu, \"same\": %zu}\n", printed > 0 ? "\n " : "",
               counts.changed, counts.same);
    else
        fprintf(stderr, "%zu name%s, %zu do%s not\n", counts.changed,
                counts.changed == 1 ? " changes" : "s change", counts.same,
                counts.same == 1 ? "es" : "");
    return counts.changed > 0;
}

/* ---- The command ----------------------------------------------------------------------------------- */

static struct ruleset *load(const char *file)
{
    struct report report = {0};
    struct ruleset *rules = load_ruleset(file, 1, &report);

    if (rules == NULL)
        load_print_report(&report);
    report_deinit(&report);
    return rules;
}

static bool fill(struct difference_names *names, const struct diff_request *request,
                 const struct ruleset *old, const struct ruleset *new)
{
    if (request->replay != NULL && !read_replay(names, request->replay))
        return false;
    if (difference_add_rules(names, old) && difference_add_rules(names, new))
        return true;
    command_error(&command_diff, "more than %d different names", DIFFERENCE_NAMES_MAX);
    return false;
}

static int compare(const struct diff_request *request)
{
    struct difference_names *names = difference_names_new();
    struct ruleset *old = load(request->old_file);
    struct ruleset *new = load(request->new_file);
    int code = EXIT_USAGE;

    if (old != NULL && new != NULL && fill(names, request, old, new))
        code = print_all(names, old, new, request->json) ? EXIT_FOUND : EXIT_FINE;
    difference_names_free(names);
    ruleset_free(old);
    ruleset_free(new);
    return code;
}

static int run(int argc, char **argv)
{
    static const struct option options[] = {{"replay", required_argument, NULL, 'r'},
                                            {"json", no_argument, NULL, 'j'},
                                            {NULL, 0, NULL, 0}};
    struct diff_request request = {0};
    int option;

    while ((option = getopt_long(argc, argv, "r:", options, NULL)) != -1) {
        if (option == 'r')
            request.replay = optarg;
        else if (option == 'j')
            request.json = true;
        else
            return command_usage(&command_diff, "that option is not known here");
    }
    if (argc - optind < 2)
        return command_usage(&command_diff, "two configurations are needed, the old and the new");
    if (argc - optind > 2)
        return command_usage(&command_diff, "'%s' is one word too many", argv[optind + 2]);
    request.old_file = argv[optind];
    request.new_file = argv[optind + 1];
    return compare(&request);
}
