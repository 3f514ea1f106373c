/* imported: what an import of VPC endpoints gives, and the files it is given. */
#ifndef LOCAL53_TESTS_AWS_IMPORTED_H
#define LOCAL53_TESTS_AWS_IMPORTED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "local53/aws/import.h"

/* What an import gave. */
struct imported {
    enum err err;                  /* its outcome */
    char *yaml;                    /* the caller's; what was written */
    struct import_problem problem; /* what was told */
};

static inline struct imported import(const struct import_endpoints *from)
{
    struct imported made = {.problem = {""}};
    size_t len = 0;
    FILE *out = open_memstream(&made.yaml, &len);

    assert_non_null(out);
    made.err = import_vpc_endpoints(out, from, &made.problem);
    fclose(out);
    return made;
}

/* A file of that name; text NULL: it was not given. */
static inline struct import_file file_of(const char *name, const char *text)
{
    return (struct import_file){name, text, text != NULL ? strlen(text) : 0};
}

#endif
