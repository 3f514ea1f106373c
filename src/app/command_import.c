/* import: a configuration from what the AWS CLI prints. Everything is made in memory first: an output file is written
 * whole or not at all. Blocks on files and stdin. */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "local53/aws/import.h"
#include "local53/aws/partition.h"
#include "local53/base/check.h"
#include "local53/base/file.h"
#include "local53/base/nearest.h"
#include "local53/cli/whole_file.h"

static int run(int argc, char **argv);

const struct command command_import = {
    .word = "import",
    .summary = "make a configuration from the AWS CLI's JSON",
    .help =
        "Usage: local53 import vpc-endpoints FILE|- [--services FILE] [--interfaces FILE]\n"
        "                                           [--vpc ID] [--region REGION] [-o FILE]\n"
        "       local53 import route53 FILE|- [--zone NAME] [--zone-file FILE] [-o FILE]\n\n"
        "Reads what aws prints, FILE or - for stdin, and writes a configuration to stdout. What "
        "was\n"
        "left out, and what was chosen, stands in it as comments. Nothing is written when a file "
        "is\n"
        "not what it should be.\n\n"
        "  vpc-endpoints          of: aws ec2 describe-vpc-endpoints\n"
        "      --services FILE    of: aws ec2 describe-vpc-endpoint-services; its names count "
        "more\n"
        "                         than those local53 knows\n"
        "      --interfaces FILE  of: aws ec2 describe-network-interfaces; writes the endpoints'\n"
        "                         addresses, for the time until their names are resolved\n"
        "      --vpc ID           only endpoints in this VPC: where several have endpoints for "
        "the\n"
        "                         same names a file can lead to those of one\n"
        "      --region REGION    where the cluster is: what its S3 gateway serves is left to it\n"
        "  route53                of: aws route53 list-resource-record-sets --hosted-zone-id ID\n"
        "      --zone NAME        the zone (default: where its SOA is)\n"
        "      --zone-file FILE   where its other records go, as a master file\n"
        "  -o, --output FILE      write here instead of to stdout; replaced at once, or not at "
        "all\n\n"
        "Example:\n  aws ec2 describe-vpc-endpoints | local53 import vpc-endpoints - -o "
        "local53.yaml\n\n"
        "Exit codes: 0 done, 1 nothing in it that can be taken, 2 usage or bad input,\n"
        "            3 the output cannot be written\n",
    .run = run,
};

/* What the options say. NULL where one is not given. */
struct options {
    const char *services;
    const char *interfaces;
    const char *region;
    const char *vpc;
    const char *zone;
    const char *zone_file;
    const char *output;
};

/* A text that grows while it is written. */
struct sheet {
    FILE *file; /* NULL once it is closed */
    char *text; /* owned */
    size_t len; /* octets of text */
};

static void sheet_init(struct sheet *sheet)
{
    *sheet = (struct sheet){.len = 0};
    sheet->file = open_memstream(&sheet->text, &sheet->len);
    CHECK(sheet->file != NULL);
}

static void sheet_close(struct sheet *sheet)
{
    CHECK(fclose(sheet->file) == 0);
    sheet->file = NULL;
}

/* ---- In and out ---------------------------------------------------------------------------------- */

/* The text is the caller's to free. False when the file cannot be read, told. */
static bool read_file(struct import_file *out, char **text, const char *path)
{
    size_t len = 0;

    *text = file_read_or_stdin(path, IMPORT_OCTETS_MAX, &len);
    if (*text == NULL)
        command_error(&command_import, "%s cannot be read: %s",
                      strcmp(path, "-") == 0 ? "stdin" : path, strerror(errno));
    *out = (struct import_file){path, *text, len};
    return *text != NULL;
}

static bool say_unwritten(const char *path)
{
    command_error(&command_import, "%s cannot be written: %s",
                  strcmp(path, "-") == 0 ? "stdout" : path, strerror(errno));
    return false;
}

/* Both files are whole on the disk before the first is in its place. */
static bool write_files(const struct options *options, const struct sheet *yaml,
                        const struct sheet *master)
{
    const char *output = options->output != NULL ? options->output : "-";
    struct whole_file files[2] = {{.path = NULL}, {.path = NULL}};
    size_t count = 0;
    bool done = true;

    if (master != NULL && master->len > 0) {
        done = whole_file_prepare(&files[count], options->zone_file, master->text, master->len);
        count++;
    }
    if (done) {
        done = whole_file_prepare(&files[count], output, yaml->text, yaml->len);
        count++;
    }
    if (!done)
        say_unwritten(files[count - 1].path);
    for (size_t i = 0; i < count && done; i++)
        done = whole_file_commit(&files[i]) || say_unwritten(files[i].path);
    for (size_t i = 0; i < count; i++)
        whole_file_discard(&files[i]);
    return done;
}

static int finish(enum err err, const struct options *options, const struct import_problem *problem,
                  struct sheet *sheets)
{
    bool written;

    for (size_t i = 0; i < 2; i++)
        sheet_close(&sheets[i]);
    written = err == ERR_OK && write_files(options, &sheets[0], &sheets[1]);
    for (size_t i = 0; i < 2; i++)
        free(sheets[i].text);
    if (err == ERR_OK && !written)
        return EXIT_ENVIRONMENT;
    if (problem->text[0] != '\0')
        command_error(&command_import, "%s", problem->text);
    if (err == ERR_OK)
        return EXIT_FINE;
    return err == ERR_NOT_FOUND ? EXIT_FOUND : EXIT_USAGE;
}

/* ---- VPC endpoints ------------------------------------------------------------------------------- */

static int import_endpoints(const char *file, const struct options *options)
{
    struct import_endpoints from = {.region = options->region, .vpc = options->vpc};
    struct import_problem problem = {""};
    char *texts[3] = {NULL};
    struct sheet sheets[2];
    int code = EXIT_USAGE;

    if (read_file(&from.endpoints, &texts[0], file) &&
        (options->services == NULL || read_file(&from.services, &texts[1], options->services)) &&
        (options->interfaces == NULL ||
         read_file(&from.interfaces, &texts[2], options->interfaces))) {
        enum err err;

        sheet_init(&sheets[0]);
        sheet_init(&sheets[1]);
        err = import_vpc_endpoints(sheets[0].file, &from, &problem);
        code = finish(err, options, &problem, sheets);
    }
    for (size_t i = 0; i < 3; i++)
        free(texts[i]);
    return code;
}

/* ---- Route 53 ------------------------------------------------------------------------------------ */

/* Octets of a path up to its last slash; 0 when there is none. */
static size_t folder_len(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? (size_t)(slash - path) + 1 : 0;
}

/* What the configuration calls the zone's file: paths in it start at its own folder. malloc'd. */
static char *zone_file_called(const struct options *options)
{
    const char *zone_file = options->zone_file;
    size_t folder = options->output != NULL ? folder_len(options->output) : 0;
    char *called = NULL;
    char *here;

    if (zone_file[0] == '/' || folder == 0 || strncmp(zone_file, options->output, folder) == 0) {
        called = strdup(zone_file[0] == '/' ? zone_file : zone_file + folder);
        CHECK(called != NULL);
        return called;
    }
    here = getcwd(NULL, 0);
    CHECK(asprintf(&called, "%s/%s", here != NULL ? here : ".", zone_file) >= 0);
    free(here);
    return called;
}

static int import_zone(const char *file, const struct options *options)
{
    char *called = options->zone_file != NULL ? zone_file_called(options) : NULL;
    struct import_route53 from = {.zone = options->zone, .file = called};
    struct import_problem problem = {""};
    char *text = NULL;
    struct sheet sheets[2];
    int code = EXIT_USAGE;

    if (read_file(&from.records, &text, file)) {
        enum err err;

        sheet_init(&sheets[0]);
        sheet_init(&sheets[1]);
        err = import_route53(sheets[0].file, sheets[1].file, &from, &problem);
        code = finish(err, options, &problem, sheets);
    }
    free(text);
    free(called);
    return code;
}

/* ---- Usage --------------------------------------------------------------------------------------- */

static int usage_of_options(const struct options *options, bool is_zone)
{
    const char *wrong = NULL;

    if (is_zone && (options->services != NULL || options->interfaces != NULL))
        wrong = "--services and --interfaces";
    else if (is_zone && options->region != NULL)
        wrong = "--region";
    else if (is_zone && options->vpc != NULL)
        wrong = "--vpc";
    else if (!is_zone && (options->zone != NULL || options->zone_file != NULL))
        wrong = "--zone and --zone-file";
    if (wrong != NULL)
        return command_usage(&command_import, "%s: not for %s", wrong,
                             is_zone ? "route53" : "vpc-endpoints");
    if (options->zone_file != NULL && strcmp(options->zone_file, "-") == 0)
        return command_usage(&command_import, "--zone-file takes a file, not -");
    if (options->region != NULL && !partition_is_region(options->region))
        return command_usage(&command_import, "'%s' is no region; write one like eu-west-1",
                             options->region);
    return EXIT_FINE;
}

/* One file cannot be two: the second would take the first one's place. */
static int usage_of_files(const char *file, const struct options *options)
{
    const char *files[3] = {file, options->output, options->zone_file};
    static const char *const words[3] = {"FILE", "-o", "--zone-file"};

    for (size_t i = 0; i < 3; i++) {
        for (size_t j = i + 1; j < 3; j++) {
            if (files[i] != NULL && files[j] != NULL && whole_file_is_same(files[i], files[j]))
                return command_usage(&command_import, "%s and %s are the same file, %s", words[i],
                                     words[j], files[j]);
        }
    }
    return EXIT_FINE;
}

static int run_kind(int argc, char **argv, const struct options *options)
{
    static const char *const kinds[] = {"vpc-endpoints", "route53"};
    const char *nearest;
    int code;

    if (argc < 1)
        return command_usage(&command_import, "what is missing: vpc-endpoints or route53");
    if (strcmp(argv[0], kinds[0]) != 0 && strcmp(argv[0], kinds[1]) != 0) {
        nearest = nearest_word(argv[0], kinds, 2);
        return command_usage(&command_import, "'%s' cannot be imported; %s '%s'", argv[0],
                             nearest != NULL ? "did you mean" : "for example",
                             nearest != NULL ? nearest : kinds[0]);
    }
    if (argc < 2)
        return command_usage(&command_import, "FILE is missing; - for stdin");
    if (argc > 2)
        return command_usage(&command_import, "'%s' is one word too many", argv[2]);
    code = usage_of_options(options, strcmp(argv[0], kinds[1]) == 0);
    if (code == EXIT_FINE)
        code = usage_of_files(argv[1], options);
    if (code != EXIT_FINE)
        return code;
    return strcmp(argv[0], kinds[1]) == 0 ? import_zone(argv[1], options)
                                          : import_endpoints(argv[1], options);
}

static int run(int argc, char **argv)
{
    static const struct option words[] = {
        {"services", required_argument, NULL, 's'}, {"interfaces", required_argument, NULL, 'i'},
        {"region", required_argument, NULL, 'r'},   {"vpc", required_argument, NULL, 'v'},
        {"zone", required_argument, NULL, 'z'},     {"zone-file", required_argument, NULL, 'f'},
        {"output", required_argument, NULL, 'o'},   {NULL, 0, NULL, 0}};
    struct options options = {.services = NULL};
    int option;

    while ((option = getopt_long(argc, argv, "o:", words, NULL)) != -1) {
        switch (option) {
        case 's': options.services = optarg; break;
        case 'i': options.interfaces = optarg; break;
        case 'r': options.region = optarg; break;
        case 'v': options.vpc = optarg; break;
        case 'z': options.zone = optarg; break;
        case 'f': options.zone_file = optarg; break;
        case 'o': options.output = optarg; break;
        default: return command_usage(&command_import, "that option is not known here");
        }
    }
    return run_kind(argc - optind, argv + optind, &options);
}
