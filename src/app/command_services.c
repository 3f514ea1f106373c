/* services: prints the catalogue of AWS endpoint services. Reads no file and sends nothing. Bounds:
 * CATALOGUE_NAMES_MAX names a row. */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "local53/aws/catalogue.h"
#include "local53/aws/partition.h"
#include "local53/base/check.h"
#include "local53/cli/json_text.h"
#include "local53/dns/text.h"
#include "local53/rules/services.h"

/* Longest name with "*." in front, terminator included; longer ones do not stand in the catalogue. */
#define NAME_TEXT_MAX 264
/* Rows told as near to an unknown one. */
#define NEAREST_MAX 5

static int run(int argc, char **argv);

const struct command command_services = {
    .word = "services",
    .summary = "list AWS endpoint services and the names each one stands for",
    .help =
        "Usage: local53 services [NAME] [--region REGION] [--json]\n\n"
        "Without NAME: every service that 'service:' of an endpoint takes, and its first name.\n"
        "With NAME: all of its names, those that 'dualstack: true' and 'fips: true' add, where\n"
        "that is known from, what to know about it, and the lines for the configuration.\n"
        "NAME is the X of com.amazonaws.<region>.X, or the whole as the AWS CLI prints it, or a\n"
        "host name that clients ask for: then its service. Nothing is read or sent.\n\n"
        "  -r, --region REGION  names as they are in this region; else with {region} in them\n"
        "      --json           an array of objects, for programs\n\n"
        "Example:\n  local53 services ecr.dkr --region eu-west-1\n\n"
        "Exit codes: 0 printed, 2 usage or unknown service\n",
    .run = run,
};

/* Names as printed. */
struct name_list {
    char texts[CATALOGUE_NAMES_MAX][NAME_TEXT_MAX];
    size_t count; /* items of texts */
};

/* One row as printed. */
struct listing {
    const struct catalogue_row *row;
    const char *region;         /* NULL: names with {region} */
    struct name_list names;     /* what private DNS has */
    struct name_list dualstack; /* what "dualstack: true" adds */
    struct name_list fips;      /* what "fips: true" adds */
    bool needs_dualstack;       /* the host name asked about is one of dualstack */
    bool needs_fips;            /* the same of fips */
};

/* ---- What is printed --------------------------------------------------------------------------- */

/* The templates themselves, with the commercial suffix. */
static void list_templates(struct name_list *list, const char *templates)
{
    static const char suffix[] = "{suffix}";

    for (const char *at = templates; *at != '\0'; at += *at == ',') {
        size_t len = strcspn(at, ",");
        bool has_suffix = len >= strlen(suffix) &&
                          strncmp(at + len - strlen(suffix), suffix, strlen(suffix)) == 0;
        size_t kept = has_suffix ? len - strlen(suffix) : len;

        CHECK(list->count < CATALOGUE_NAMES_MAX);
        snprintf(list->texts[list->count++], NAME_TEXT_MAX, "%.*s%s", (int)kept, at,
                 has_suffix ? partition_of_region("")->suffix : "");
        at += len;
    }
}

/* The names of a request behind its first `skipped`. */
static void list_names(struct name_list *list, const struct catalogue_row *row,
                       const struct catalogue_request *request, size_t skipped)
{
    struct catalogue_name names[CATALOGUE_NAMES_MAX];
    char text[TEXT_NAME_MAX];
    size_t count;

    CHECK(catalogue_expand(row, request, names, CATALOGUE_NAMES_MAX, &count) == ERR_OK);
    for (size_t i = skipped; i < count; i++)
        snprintf(list->texts[list->count++], NAME_TEXT_MAX, "%s%.*s", names[i].below ? "*." : "",
                 NAME_TEXT_MAX - 3, text_write_name(&names[i].name, text));
}

static void list_row(struct listing *listing, const struct catalogue_row *row, const char *region)
{
    struct catalogue_request request = {.region = region};

    *listing = (struct listing){.row = row, .region = region};
    if (region == NULL) {
        list_templates(&listing->names, row->names);
        list_templates(&listing->dualstack, row->dualstack);
        list_templates(&listing->fips, row->fips);
        return;
    }
    list_names(&listing->names, row, &request, 0);
    request.dualstack = CATALOGUE_SPELLINGS_ALL;
    list_names(&listing->dualstack, row, &request, listing->names.count);
    request.dualstack = CATALOGUE_SPELLINGS_KNOWN;
    request.fips = CATALOGUE_SPELLINGS_ALL;
    list_names(&listing->fips, row, &request, listing->names.count);
}

/* ---- For people -------------------------------------------------------------------------------- */

static void print_line(const struct listing *listing)
{
    const struct name_list *names = &listing->names;

    printf("%-32s %s", listing->row->service, names->count > 0 ? names->texts[0] : "-");
    if (names->count > 1)
        printf(" and %zu more", names->count - 1);
    printf("\n");
}

static void print_names(const char *label, const struct name_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        printf("%-11s %s\n", i == 0 ? label : "", list->texts[i]);
}

static void print_fips(const struct listing *listing)
{
    const struct catalogue_row *twin = catalogue_fips_service(listing->row);

    print_names("fips:", &listing->fips);
    if (twin != NULL)
        printf("%-11s an endpoint service of its own: %s\n", "fips:", twin->service);
}

/* The lines to paste; the capital words are to be filled in. */
static void print_yaml(const struct listing *listing)
{
    printf("\nendpoints:\n  - service: %s\n", listing->row->service);
    if (!catalogue_is_global(listing->row))
        printf("    region: %s\n", listing->region != NULL ? listing->region : "REGION");
    printf("%s%s", listing->needs_dualstack ? "    dualstack: true\n" : "",
           listing->needs_fips ? "    fips: true\n" : "");
    printf("    target: TARGET  # its first DnsName in: aws ec2 describe-vpc-endpoints\n");
}

static void print_whole(const struct listing *listing)
{
    const struct catalogue_row *row = listing->row;

    printf("%-11s %s (%s)\n", "service:", row->service, row->scope);
    print_names("names:", &listing->names);
    if (listing->names.count == 0)
        printf("%-11s none is known in %s: list them under names\n", "names:", listing->region);
    print_names("dualstack:", &listing->dualstack);
    print_fips(listing);
    printf("%-11s %s\n", "evidence:", row->evidence);
    if (row->note[0] != '\0')
        printf("%-11s %s\n", "note:", row->note);
    if (listing->names.count > 0)
        print_yaml(listing);
}

/* ---- For programs ------------------------------------------------------------------------------ */

static void print_text(const char *key, const char *text)
{
    printf(", ");
    json_text_member(stdout, key, text);
}

static void print_list(const char *key, const struct name_list *list)
{
    printf(", \"%s\": [", key);
    for (size_t i = 0; i < list->count; i++) {
        printf("%s", i > 0 ? ", " : "");
        json_text_write(stdout, list->texts[i]);
    }
    printf("]");
}

static void print_object(const struct listing *listing)
{
    const struct catalogue_row *row = listing->row;
    const struct catalogue_row *twin = catalogue_fips_service(row);

    printf("{");
    json_text_member(stdout, "service", row->service);
    print_text("scope", row->scope);
    print_text("region", catalogue_is_global(row) ? NULL : listing->region);
    print_list("names", &listing->names);
    print_list("dualstack", &listing->dualstack);
    print_list("fips", &listing->fips);
    print_text("fips_service", twin != NULL ? twin->service : NULL);
    print_text("evidence", row->evidence);
    print_text("note", row->note);
    printf("}");
}

/* ---- The command ------------------------------------------------------------------------------- */

static void print_all(const char *region, bool json)
{
    size_t count;
    const struct catalogue_row *rows = catalogue_rows(&count);
    struct listing listing;

    for (size_t i = 0; i < count; i++) {
        list_row(&listing, &rows[i], region);
        if (json) {
            printf("%s", i == 0 ? "[" : ",\n ");
            print_object(&listing);
        } else {
            print_line(&listing);
        }
    }
    if (json)
        printf("]\n");
}

static void print_one(const struct listing *listing, bool json)
{
    if (!json) {
        print_whole(listing);
        return;
    }
    printf("[");
    print_object(listing);
    printf("]\n");
}

static int tell_unknown(const char *word)
{
    const struct catalogue_row *rows[NEAREST_MAX];
    size_t count = catalogue_nearest(word, rows, NEAREST_MAX);
    char text[512] = "";
    size_t used = 0;

    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s",
                                 i == 0 ? "; did you mean " : ", ", rows[i]->service);
    command_error(&command_services, "unknown service '%s'%s%s", word, text,
                  count > 0 ? "?" : "; without a name all are listed");
    return EXIT_USAGE;
}

/* The service that clients mean by a host name; true when it was printed or told that there is none. */
static bool print_host(const char *word, bool json, int *code)
{
    struct services *services = services_new();
    struct services_match match;
    struct listing listing;
    struct name name;
    enum services_kind kind = SERVICES_NONE;

    if (text_read_name(&name, word) == ERR_OK)
        kind = services_find(services, &name, &match);
    if (kind == SERVICES_KNOWN) {
        list_row(&listing, match.row, match.region[0] != '\0' ? match.region : NULL);
        listing.needs_dualstack = match.dualstack;
        listing.needs_fips = match.fips;
        print_one(&listing, json);
        *code = EXIT_FINE;
    } else if (kind == SERVICES_OTHER) {
        command_error(&command_services,
                      "'%s' is a name of AWS that no endpoint service is known to have; it is "
                      "forwarded, unless an endpoint lists it under names",
                      word);
        *code = EXIT_USAGE;
    }
    services_free(services);
    return kind != SERVICES_NONE;
}

static int print_service(const char *word, const char *region, bool json)
{
    char own_region[PARTITION_REGION_MAX] = "";
    const struct catalogue_row *row = catalogue_find(word);
    struct listing listing;
    int code = EXIT_USAGE;

    if (row == NULL)
        row = catalogue_find_full(word, own_region);
    if (row == NULL)
        return print_host(word, json, &code) ? code : tell_unknown(word);
    if (region == NULL && own_region[0] != '\0')
        region = own_region;
    list_row(&listing, row, region);
    print_one(&listing, json);
    return EXIT_FINE;
}

static int run(int argc, char **argv)
{
    static const struct option options[] = {{"region", required_argument, NULL, 'r'},
                                            {"json", no_argument, NULL, 'j'},
                                            {NULL, 0, NULL, 0}};
    const char *region = NULL;
    bool json = false;
    int option;

    while ((option = getopt_long(argc, argv, "r:", options, NULL)) != -1) {
        if (option == 'r')
            region = optarg;
        else if (option == 'j')
            json = true;
        else
            return command_usage(&command_services, "that option is not known here");
    }
    if (argc - optind > 1)
        return command_usage(&command_services, "'%s' is one word too many", argv[optind + 1]);
    if (region != NULL && !partition_is_region(region))
        return command_usage(&command_services, "'%s' is not a region (eu-west-1)", region);
    if (optind < argc)
        return print_service(argv[optind], region, json);
    print_all(region, json);
    return EXIT_FINE;
}
