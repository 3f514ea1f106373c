/* partition: which AWS world a region or a name belongs to, and the DNS suffixes of each.
 * Owns: the table, static. Thread: any; no state. Bounds: PARTITION_COUNT rows.
 * Fails: never; a region nobody knows is commercial, as botocore's endpoint rules have it. */
#include "local53/aws/partition.h"

#include <string.h>

/* The last row takes what no prefix fits (botocore "partitions.json": regionRegex and outputs). */
static const struct partition PARTITIONS[] = {
    {"aws-cn", "cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn", "cn-northwest-1"},
    {"aws-us-gov", "us-gov-", "amazonaws.com", "api.aws", "us-gov-west-1"},
    {"aws-eusc", "eusc-", "amazonaws.eu", "api.amazonwebservices.eu", "eusc-de-east-1"},
    {"aws-iso", "us-iso-", "c2s.ic.gov", "api.aws.ic.gov", "us-iso-east-1"},
    {"aws-iso-b", "us-isob-", "sc2s.sgov.gov", "api.aws.scloud", "us-isob-east-1"},
    {"aws-iso-e", "eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk", "eu-isoe-west-1"},
    {"aws-iso-f", "us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov", "us-isof-south-1"},
    {"aws", "", "amazonaws.com", "api.aws", "us-east-1"},
};
#define PARTITION_COUNT (sizeof(PARTITIONS) / sizeof(PARTITIONS[0]))

/* Suffixes of AWS beside those of the table: its top-level domain (on.aws, app.aws, sagemaker.aws)
 * and the parents of the other dual-stack suffixes (on.amazonwebservices.com.cn). */
static const char *const MORE_SUFFIXES[] = {"aws", "amazonwebservices.com.cn",
                                            "amazonwebservices.eu"};
#define MORE_SUFFIX_COUNT (sizeof(MORE_SUFFIXES) / sizeof(MORE_SUFFIXES[0]))

const struct partition *partition_of_region(const char *region)
{
    size_t i = 0;

    while (i < PARTITION_COUNT - 1 &&
           strncmp(region, PARTITIONS[i].region_prefix, strlen(PARTITIONS[i].region_prefix)) != 0)
        i++;
    return &PARTITIONS[i];
}

/* The letters a part of a region's name begins with. */
static size_t letters_at(const char *text)
{
    return strspn(text, "abcdefghijklmnopqrstuvwxyz");
}

bool partition_is_region(const char *text)
{
    size_t words = 0;
    size_t len;

    while ((len = letters_at(text)) >= 2 && text[len] == '-') {
        text += len + 1;
        words++;
    }
    len = strspn(text, "0123456789");
    return words >= 2 && len >= 1 && len <= 2 && text[len] == '\0';
}

static bool label_is(const struct name *name, size_t i, const char *text, size_t len)
{
    struct bytes label = name_label(name, i);

    return label.len == len && memcmp(label.data, text, len) == 0;
}

/* True when the name has labels before the dotted suffix; both are lower case. */
static bool stands_below(const struct name *name, const char *suffix)
{
    size_t end = strlen(suffix);
    size_t label = name->labels;

    while (end > 0) {
        size_t start = end;

        while (start > 0 && suffix[start - 1] != '.')
            start--;
        if (label == 0 || !label_is(name, label - 1, suffix + start, end - start))
            return false;
        label--;
        end = start > 0 ? start - 1 : 0;
    }
    return label > 0;
}

const char *partition_suffix(size_t i)
{
    if (i < PARTITION_COUNT)
        return PARTITIONS[i].suffix;
    if (i < 2 * PARTITION_COUNT)
        return PARTITIONS[i - PARTITION_COUNT].dualstack_suffix;
    i -= 2 * PARTITION_COUNT;
    return i < MORE_SUFFIX_COUNT ? MORE_SUFFIXES[i] : NULL;
}

bool partition_owns_name(const struct name *name)
{
    const char *suffix;

    for (size_t i = 0; (suffix = partition_suffix(i)) != NULL; i++) {
        if (stands_below(name, suffix))
            return true;
    }
    return false;
}
