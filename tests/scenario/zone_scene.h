/* zone_scene: a private zone in a temporary folder, for the scenarios that ask for its names. Its master file
 * is written by the test, the configuration around it told as text. */
#ifndef LOCAL53_TESTS_ZONE_SCENE_H
#define LOCAL53_TESTS_ZONE_SCENE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stage.h"

/* What negative answers of the zone say behind "auth ": TTL = min(300, MINIMUM); and whoever asks for it. */
#define CORP_SOA "corp.internal. 120" CORP_SOA_DATA
#define CORP_SOA_ASKED "corp.internal. 300" CORP_SOA_DATA
#define CORP_SOA_DATA " IN SOA ns.corp.internal. host.corp.internal. 7 3600 600 86400 120\n"

/* How its master file begins. */
#define CORP_HEAD                                                                                  \
    "$ORIGIN corp.internal.\n$TTL 300\n"                                                           \
    "@ SOA ns host 7 3600 600 86400 120\n@ NS ns\nns A 10.1.0.53\n"

/* What we say for a zone or a rule without an SOA. */
#define OWN_SOA " 60 IN SOA local53. hostmaster.local53. 1 3600 600 604800 60\n"

struct zone_scene {
    char folder[64];           /* temporary */
    char path[96];             /* of the master file in it */
    char yaml[STAGE_TEXT_MAX]; /* the configuration in use */
    char text[STAGE_TEXT_MAX]; /* an expected reply */
};

/* The folder, before the first test of a group; and its end. */
static inline void zone_scene_open(struct zone_scene *scene)
{
    strcpy(scene->folder, "/tmp/local53-zones-XXXXXX");
    assert_non_null(mkdtemp(scene->folder));
    snprintf(scene->path, sizeof(scene->path), "%s/corp.internal.zone", scene->folder);
}

static inline void zone_scene_close(struct zone_scene *scene)
{
    unlink(scene->path);
    assert_int_equal(rmdir(scene->folder), 0);
}

/* Writes the records behind CORP_HEAD. */
static inline void zone_scene_write(const struct zone_scene *scene, const char *records)
{
    FILE *file = fopen(scene->path, "w");
    assert_non_null(file);
    assert_true(fprintf(file, CORP_HEAD "%s", records) > 0);
    assert_int_equal(fclose(file), 0);
}

/* The configuration: the zone with these further keys (each with a comma in front), and what follows. */
static inline const char *zone_scene_yaml(struct zone_scene *scene, const char *keys,
                                          const char *rest)
{
    int len =
        snprintf(scene->yaml, sizeof(scene->yaml),
                 "zones:\n  - {name: corp.internal, file: %s%s}\n%s", scene->path, keys, rest);
    assert_true(len > 0 && (size_t)len < sizeof(scene->yaml));
    return scene->yaml;
}

/* What the tests of a group share; for zone_scene_begin and zone_scene_end, which take it for the state. */
struct zone_plan {
    struct stage_plan
        stage; /* first, since it is the state that the stage knows; its yaml the scene's */
    struct zone_scene *scene; /* borrowed */
    const char *records;      /* of the master file */
    const char *keys;         /* of the zone, as for zone_scene_yaml */
    const char *rest;         /* of the configuration */
};

static inline int zone_scene_begin(void **state)
{
    const struct zone_plan *plan = *state;
    zone_scene_open(plan->scene);
    zone_scene_write(plan->scene, plan->records);
    (void)zone_scene_yaml(plan->scene, plan->keys, plan->rest);
    return stage_begin(state);
}

static inline int zone_scene_end(void **state)
{
    const struct zone_plan *plan = *state;
    stage_end(state);
    zone_scene_close(plan->scene);
    return 0;
}

#define ZONE_TEST(test, plan)                                                                      \
    cmocka_unit_test_prestate_setup_teardown(test, zone_scene_begin, zone_scene_end, plan)

/* The beginning of a reply to a question of one type, with an rcode, before the records told. */
static inline const char *zone_scene_reply(struct zone_scene *scene, const char *rcode,
                                           const char *name, const char *type, const char *records)
{
    snprintf(scene->text, sizeof(scene->text), "%s rd ra\n? %s. IN %s\n%s", rcode, name, type,
             records);
    return scene->text;
}

#endif
