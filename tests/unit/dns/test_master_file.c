/* The files that a master file is made of: which are included, where they may be, and how each is told. */
#include <sys/stat.h>
#include <unistd.h>

#include "master_shown.h"

/* A folder of its own, gone at the end. */
struct folder {
    char path[64];
};

static void put_file(const struct folder *folder, const char *name, const char *text)
{
    char path[512];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", folder->path, name);
    file = fopen(path, "wb");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int make_folder(void **state)
{
    struct folder *folder = calloc(1, sizeof(*folder));
    char path[128];

    CHECK(folder != NULL);
    strcpy(folder->path, "/tmp/local53-master-XXXXXX");
    CHECK(mkdtemp(folder->path) != NULL);
    snprintf(path, sizeof(path), "%s/zones", folder->path);
    CHECK(mkdir(path, 0700) == 0);
    *state = folder;
    return 0;
}

static int drop_folder(void **state)
{
    struct folder *folder = *state;
    char command[128];

    snprintf(command, sizeof(command), "rm -rf %s", folder->path);
    CHECK(system(command) == 0);
    free(folder);
    return 0;
}

static void on_file(void *owner, const char *path)
{
    show(owner, "reads %s\n", strrchr(path, '/'));
}

/* Reads zones/main of the folder; files are shown to on_file, if it is given. */
static void assert_shown(const struct folder *folder, void (*on_file_told)(void *, const char *),
                         enum err err, const char *expected)
{
    struct name origin = origin_of("example");
    struct shown shown = {.len = 0};
    struct master_setup setup = {&origin, 300, on_record, on_error, on_file_told, &shown};
    char path[128];
    enum err got;

    snprintf(path, sizeof(path), "%s/zones/main", folder->path);
    got = master_read_file(&setup, path, "main");
    assert_string_equal(shown.text, expected);
    assert_int_equal(got, err);
}

static void assert_file(const struct folder *folder, enum err err, const char *expected)
{
    assert_shown(folder, NULL, err, expected);
}

static void an_included_file_leaves_origin_owner_and_ttl_as_they_were(void **state)
{
    struct folder *folder = *state;

    put_file(folder, "zones/main",
             "$TTL 10\na A 10.0.0.1\n$INCLUDE inner\n A 10.0.0.3\n"
             "$INCLUDE \"inner\" sub ; with an origin\nb A 10.0.0.4\n");
    put_file(folder, "zones/inner",
             " TXT of-the-owner-before\n$TTL 20\n$ORIGIN deep\nx A 10.0.0.2\n");
    assert_file(folder, ERR_OK,
                "a.example. 10 IN A 10.0.0.1\n"
                "a.example. 10 IN TXT \"of-the-owner-before\"\n"
                "x.deep.example. 20 IN A 10.0.0.2\n"
                "a.example. 10 IN A 10.0.0.3\n"
                "a.example. 10 IN TXT \"of-the-owner-before\"\n"
                "x.deep.sub.example. 20 IN A 10.0.0.2\n"
                "b.example. 10 IN A 10.0.0.4\n");
}

static void only_a_directive_at_the_start_of_a_line_includes(void **state)
{
    struct folder *folder = *state;

    put_file(folder, "zones/main",
             "a TXT (\n$INCLUDE inner\n)\nb TXT \"$INCLUDE inner\"\n"
             "c TXT x ; $INCLUDE inner\n");
    put_file(folder, "zones/inner", "never A 10.0.0.1\n");
    assert_file(folder, ERR_OK,
                "a.example. 300 IN TXT \"$INCLUDE\" \"inner\"\n"
                "b.example. 300 IN TXT \"$INCLUDE inner\"\n"
                "c.example. 300 IN TXT \"x\"\n");
}

static void mistakes_in_an_included_file_have_its_name_and_line(void **state)
{
    struct folder *folder = *state;

    put_file(folder, "zones/main", "\n$INCLUDE inner\n$INCLUDE gone\n");
    put_file(folder, "zones/inner", "a A 10.0.0.1\nb A x\n");
    assert_file(folder, ERR_INVALID,
                "a.example. 300 IN A 10.0.0.1\n"
                "inner:2: A: could not parse the RR's rdata: \"x\"\n"
                "main:3: cannot include \"gone\": No such file or directory\n");
}

static void included_files_are_in_the_folder_of_the_first(void **state)
{
    struct folder *folder = *state;
    char path[128];

    put_file(folder, "outside", "secret A 10.0.0.1\n");
    put_file(folder, "zones/inner", "a A 10.0.0.1\n");
    put_file(folder, "zones/main",
             "$INCLUDE ../outside\n$INCLUDE /etc/passwd\n$INCLUDE link\n"
             "$INCLUDE x/../../outside\n$INCLUDE inside\n$INCLUDE .\n");
    snprintf(path, sizeof(path), "%s/zones/link", folder->path);
    assert_int_equal(symlink("../outside", path), 0);
    snprintf(path, sizeof(path), "%s/zones/inside", folder->path);
    assert_int_equal(symlink("../zones/inner", path), 0);
    assert_file(folder, ERR_INVALID,
                "main:1: cannot include \"../outside\": \"..\" leads out of the folder of the "
                "zone's file\n"
                "main:2: cannot include \"/etc/passwd\": an absolute path; write it from the "
                "folder of the zone's file\n"
                "main:3: cannot include \"link\": a symlink leads out of the folder of the zone's "
                "file\n"
                "main:4: cannot include \"x/../../outside\": \"..\" leads out of the folder of "
                "the zone's file\n"
                "a.example. 300 IN A 10.0.0.1\n"
                "main:6: cannot include \".\": a symlink leads out of the folder of the zone's "
                "file\n");
}

static void link_file(const struct folder *folder, const char *name, const char *to)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/%s", folder->path, name);
    assert_int_equal(symlink(to, path), 0);
}

/* Kubernetes puts a ConfigMap's files into a folder of their own and symlinks in front of it. */
static void files_of_a_config_map_include_each_other(void **state)
{
    struct folder *folder = *state;
    char path[128];

    snprintf(path, sizeof(path), "%s/zones/..v1", folder->path);
    assert_int_equal(mkdir(path, 0700), 0);
    put_file(folder, "zones/..v1/main", "$INCLUDE \"more records\"\n$INCLUDE ..data/inner\n");
    put_file(folder, "zones/..v1/more records", "a A 10.0.0.1\n");
    put_file(folder, "zones/..v1/inner", "b A 10.0.0.2\n");
    link_file(folder, "zones/..data", "..v1");
    link_file(folder, "zones/main", "..data/main");
    link_file(folder, "zones/more records", "..data/more records");
    assert_shown(folder, on_file, ERR_OK,
                 "reads /main\nreads /more records\na.example. 300 IN A 10.0.0.1\n"
                 "reads /inner\nb.example. 300 IN A 10.0.0.2\n");
}

static void an_included_file_is_told_by_its_symlink(void **state)
{
    struct folder *folder = *state;

    put_file(folder, "zones/main", "$INCLUDE link\n");
    put_file(folder, "zones/version1", "a A 10.0.0.1\n");
    link_file(folder, "zones/link", "version1");
    assert_shown(folder, on_file, ERR_OK,
                 "reads /main\nreads /link\na.example. 300 IN A 10.0.0.1\n");
}

static void a_file_that_includes_itself_ends_at_the_depth(void **state)
{
    struct folder *folder = *state;

    put_file(folder, "zones/main", "$INCLUDE main\n");
    assert_file(folder, ERR_INVALID, "main:1: files are included more than 8 deep\n");
}

static void each_file_is_told_before_it_is_read(void **state)
{
    struct folder *folder = *state;

    put_file(folder, "zones/main", "a A 10.0.0.1\n$INCLUDE inner\n$INCLUDE gone\n");
    put_file(folder, "zones/inner", "b A 10.0.0.2\n");
    assert_shown(folder, on_file, ERR_INVALID,
                 "reads /main\na.example. 300 IN A 10.0.0.1\n"
                 "reads /inner\nb.example. 300 IN A 10.0.0.2\n"
                 "main:3: cannot include \"gone\": No such file or directory\n");
}

static void what_is_no_file_is_told(void **state)
{
    struct folder *folder = *state;
    char path[128];

    assert_file(folder, ERR_INVALID, "main:0: cannot read main: No such file or directory\n");
    snprintf(path, sizeof(path), "%s/zones/main", folder->path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_file(folder, ERR_INVALID, "main:0: cannot read main: not a regular file\n");
    assert_int_equal(unlink(path), 0);
    put_file(folder, "zones/main", "");
    assert_file(folder, ERR_OK, "");
    assert_int_equal(truncate(path, (off_t)MASTER_OCTETS_MAX + 1), 0);
    assert_file(folder, ERR_INVALID,
                "main:0: cannot read main: more than 16 MiB, with all that it includes\n");
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, drop_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(an_included_file_leaves_origin_owner_and_ttl_as_they_were),
        WITH_FOLDER(only_a_directive_at_the_start_of_a_line_includes),
        WITH_FOLDER(mistakes_in_an_included_file_have_its_name_and_line),
        WITH_FOLDER(included_files_are_in_the_folder_of_the_first),
        WITH_FOLDER(files_of_a_config_map_include_each_other),
        WITH_FOLDER(an_included_file_is_told_by_its_symlink),
        WITH_FOLDER(a_file_that_includes_itself_ends_at_the_depth),
        WITH_FOLDER(each_file_is_told_before_it_is_read),
        WITH_FOLDER(what_is_no_file_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
