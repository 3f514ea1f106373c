/* diff: tells which names get something else under a new configuration; nothing is sent.
 * Bounds: DIFFERENCE_NAMES_MAX names, LINE_MAX_OCTETS a line of them.
 * Fails: a configuration that is not right is told with its line, and nothing else; bad lines of names are told and left
 * out, and the exit code says that the comparison is not whole. */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "load.h"
#include "local53/cli/json_text.h"
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
        "                      read them: NAME [TYPE] a line, # and ; begin comments; a line that\n"
        "                      is neither is told, left out and counted\n"
        "      --json          one object, for programs\n\n"
        "Example:\n  local53 diff conf/demo.yaml conf/local53.yaml\n\n"
        "Exit codes: 0 nothing changes, 1 names change, 2 usage or configuration, or lines of\n"
        "            --replay were left out: what is told is not all\n",
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

/* Bad lines that are told one by one. */
#define TOLD_LINES_MAX 10

/* A file with a longer line is none of names: a name of which each octet is escaped has 1,004. */
#define LINE_MAX_OCTETS 4096

/* Where a file of names is read. */
struct replay {
    FILE *in;                       /* owned, but for stdin */
    const char *file;               /* for messages */
    size_t line;                    /* from 1 */
    size_t bad;                     /* lines that are none */
    struct difference_names *names; /* borrowed; where they go */
};

static void refuse_line(struct replay *replay, const char *word, const char *what)
{
    if (replay->bad++ < TOLD_LINES_MAX)
        command_error(&command_diff, "%s:%zu: '%.80s' is %s", replay->file, replay->line, word,
                      what);
}

/* Takes one line in, which is changed; false, told, when there is no room. */
static bool read_line(struct replay *replay, char *line)
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
    if (text_read_name(&name, name_text) != ERR_OK) {
        refuse_line(replay, name_text, "not a domain name");
    } else if (type_text != NULL && text_read_type(&type, type_text) != ERR_OK) {
        refuse_line(replay, type_text, "not a record type (A, AAAA, TYPE65 ...)");
    } else if (more != NULL) {
        refuse_line(replay, more, "one word too many: NAME [TYPE] a line");
    } else if (!difference_add_name(replay->names, &name)) {
        command_error(&command_diff, "%s:%zu: more than %d different names", replay->file,
                      replay->line, DIFFERENCE_NAMES_MAX);
        return false;
    }
    return true;
}

/* Gets one line without its end, and how many octets it has; more than LINE_MAX_OCTETS: there were more to come. False
 * at the end of the file. */
static bool get_line(FILE *in, char line[LINE_MAX_OCTETS + 1], size_t *len)
{
    int octet = EOF;

    for (*len = 0; *len <= LINE_MAX_OCTETS; line[(*len)++] = (char)octet) {
        octet = getc_unlocked(in);
        if (octet == EOF || octet == '\n')
            break;
    }
    line[*len <= LINE_MAX_OCTETS ? *len : LINE_MAX_OCTETS] = '\0';
    return octet != EOF || *len > 0;
}

/* Takes a line of so many octets in; false, told, when the file is none of names, or there is no room. */
static bool take_line(struct replay *replay, char *line, size_t len)
{
    if (len > LINE_MAX_OCTETS) {
        command_error(&command_diff, "%s:%zu: longer than %d octets: this is no list of names",
                      replay->file, replay->line, LINE_MAX_OCTETS);
        return false;
    }
    if (strlen(line) == len)
        return read_line(replay, line);
    refuse_line(replay, line, "followed by an octet of value 0: this is no UTF-8 text");
    return true;
}

static bool read_lines(struct replay *replay)
{
    char line[LINE_MAX_OCTETS + 1];
    size_t len;
    bool good = true;

    while (good && get_line(replay->in, line, &len)) {
        replay->line++;
        good = take_line(replay, line, len);
    }
    if (replay->bad > TOLD_LINES_MAX)
        command_error(&command_diff, "%s: %zu more bad lines", replay->file,
                      replay->bad - TOLD_LINES_MAX);
    if (good && ferror(replay->in))
        command_error(&command_diff, "%s: %s", replay->file, strerror(errno));
    return good && !ferror(replay->in);
}

/* Adds the names of the file and tells how many lines are none; false with the problem told. */
static bool read_replay(struct difference_names *names, const char *file, size_t *bad)
{
    bool is_stdin = strcmp(file, "-") == 0;
    struct replay replay = {.in = is_stdin ? stdin : fopen(file, "r"),
                            .file = is_stdin ? "stdin" : file,
                            .names = names};
    bool good;

    if (replay.in == NULL) {
        command_error(&command_diff, "%s: %s", file, strerror(errno));
        return false;
    }
    good = read_lines(&replay);
    if (!is_stdin)
        fclose(replay.in);
    *bad = replay.bad;
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

static void print_counts(const struct difference_counts *counts, size_t bad)
{
    fprintf(stderr, "%zu name%s, %zu do%s not", counts->changed,
            counts->changed == 1 ? " changes" : "s change", counts->same,
            counts->same == 1 ? "es" : "");
    if (bad > 0)
        fprintf(stderr, "; %zu bad line%s left out", bad, bad == 1 ? " was" : "s were");
    fputc('\n', stderr);
}

/* Tells all there is, and gives the exit code: who asks whether something changes must not take a part for all. */
static int print_all(const struct difference_names *names, const struct ruleset *old,
                     const struct ruleset *new, bool json, size_t bad)
{
    struct difference_counts counts;
    size_t printed = 0;

    fputs(json ? "{\"changes\": [" : "", stdout);
    counts = difference_find(names, old, new, json ? print_json : print_text, &printed);
    if (json)
        printf("%s],\n \"changed\": %zu, \"same\": %zu, \"bad_lines\": %zu}\n",
               printed > 0 ? "\n " : "", counts.changed, counts.same, bad);
    else
        print_counts(&counts, bad);
    if (bad > 0)
        return EXIT_USAGE;
    return counts.changed > 0 ? EXIT_FOUND : EXIT_FINE;
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
                 const struct ruleset *old, const struct ruleset *new, size_t *bad)
{
    if (request->replay != NULL && !read_replay(names, request->replay, bad))
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
    size_t bad = 0;
    int code = EXIT_USAGE;

    if (old != NULL && new != NULL && fill(names, request, old, new, &bad))
        code = print_all(names, old, new, request->json, bad);
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
