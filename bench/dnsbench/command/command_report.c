/* report: saved results again: rendered, merged, or one beside the other. */
#include <getopt.h>
#include <string.h>

#include "command/command.h"
#include "command/output.h"
#include "report/combine.h"
#include "report/json.h"

static int run(int argc, char **argv);

const struct command command_report = {
    .word = "report",
    .summary = "merge, diff, re-render saved JSON",
    .help = "Usage: dnsbench report FILE [--svg FILE] [--hdr FILE]\n"
            "       dnsbench report merge FILE FILE... [--json FILE] [--svg FILE] [--hdr FILE]\n"
            "       dnsbench report diff OLD NEW\n"
            "The first prints what was printed when the file was saved (--json of any command).\n"
            "merge makes one result of runs of the same load by several testers at the same time.\n"
            "diff shows two runs side by side.\n\n"
            "  --json FILE             the result as JSON ('-': to stdout instead of the table)\n"
            "  --svg FILE --hdr FILE   the plots; the percentiles in HdrHistogram's format\n\n"
            "Example:\n"
            "  dnsbench run --server 127.0.0.1:5353 --json before.json\n"
            "  dnsbench report before.json --svg before.svg\n\n"
            "Exit codes: 0 done, 2 usage, or a file that is no result; what was measured is not "
            "judged again\n",
    .run = run,
};

#define FILES_MAX 64

struct request {
    struct output output;         /* --json, --svg, --hdr */
    const char *files[FILES_MAX]; /* borrowed */
    size_t count;                 /* of these */
};

static int give(const struct request *request, const struct study *study)
{
    return output_study(&command_report, &request->output, study) ? VERDICT_PASS : VERDICT_USAGE;
}

static bool read_study(struct study *study, const char *path)
{
    char error[512];

    if (json_read(study, path, error, sizeof(error)) == ERR_OK)
        return true;
    command_error(&command_report, "%s", error);
    return false;
}

static int render(const struct request *request)
{
    struct study study = {0};
    int code = VERDICT_USAGE;

    if (read_study(&study, request->files[0]))
        code = give(request, &study);
    study_deinit(&study);
    return code;
}

/* The first file that is named again; NULL when none is. */
static const char *named_twice(const struct request *request)
{
    for (size_t i = 0; i < request->count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcmp(request->files[i], request->files[j]) == 0)
                return request->files[i];
        }
    }
    return NULL;
}

static int merge(const struct request *request)
{
    struct study whole = {0};
    char why[256];
    int code = VERDICT_PASS;

    if (named_twice(request) != NULL)
        return command_usage(&command_report, "'%s' is named twice: it would count twice",
                             named_twice(request));
    for (size_t i = 0; code == VERDICT_PASS && i < request->count; i++) {
        struct study part = {0};

        if (!read_study(&part, request->files[i]))
            code = VERDICT_USAGE;
        else if (combine_merge(&whole, &part, why, sizeof(why)) != ERR_OK)
            code = command_usage(&command_report, "%s cannot be merged with %s: %s",
                                 request->files[i], request->files[0], why);
        study_deinit(&part);
    }
    if (code == VERDICT_PASS)
        code = give(request, &whole);
    study_deinit(&whole);
    return code;
}

static int diff(const struct request *request)
{
    struct study studies[2] = {0};
    int code = VERDICT_USAGE;

    if (read_study(&studies[0], request->files[0]) && read_study(&studies[1], request->files[1])) {
        output_print(combine_diff(&studies[0], &studies[1]));
        code = VERDICT_PASS;
    }
    study_deinit(&studies[0]);
    study_deinit(&studies[1]);
    return code;
}

static int parse(struct request *request, int argc, char **argv)
{
    static const struct option list[] = {{"json", required_argument, NULL, 'j'},
                                         {"svg", required_argument, NULL, 's'},
                                         {"hdr", required_argument, NULL, 'h'},
                                         {NULL, 0, NULL, 0}};
    int found;

    opterr = 0;
    while ((found = getopt_long(argc, argv, ":", list, NULL)) != -1) {
        if (found == ':')
            return command_usage(&command_report, "'%s' needs a value", argv[optind - 1]);
        if (found == '?')
            return command_usage(&command_report,
                                 "unknown option '%s'; there are --json, --svg and --hdr",
                                 argv[optind - 1]);
        *(found == 'j'   ? &request->output.json
          : found == 's' ? &request->output.svg
                         : &request->output.hdr) = optarg;
    }
    for (; optind < argc; optind++) {
        if (request->count == FILES_MAX)
            return command_usage(&command_report, "more than %d files", FILES_MAX);
        request->files[request->count++] = argv[optind];
    }
    return VERDICT_PASS;
}

static int run(int argc, char **argv)
{
    struct request request = {0};
    const char *verb = argc > 1 ? argv[1] : "";
    bool merging = strcmp(verb, "merge") == 0;
    bool diffing = strcmp(verb, "diff") == 0;
    int skip = merging || diffing ? 1 : 0;
    int code = parse(&request, argc - skip, argv + skip);

    if (code != VERDICT_PASS)
        return code;
    if (!output_is_possible(&command_report, &request.output))
        return VERDICT_USAGE;
    if (merging && request.count < 2)
        return command_usage(&command_report, "merge takes two files or more");
    if (diffing && request.count != 2)
        return command_usage(&command_report, "diff takes two files");
    if (diffing &&
        (request.output.json != NULL || request.output.svg != NULL || request.output.hdr != NULL))
        return command_usage(&command_report, "diff is a table alone: no --json, --svg or --hdr");
    if (!merging && !diffing && request.count != 1)
        return command_usage(&command_report,
                             "it takes one file, or 'merge' or 'diff' before several");
    return merging ? merge(&request) : diffing ? diff(&request) : render(&request);
}
