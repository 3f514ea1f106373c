/* partition: which AWS world a region belongs to, and the DNS suffixes of each.
 * Owns: the table, static. Thread: any; no state. Bounds: PARTITION_COUNT rows.
 * Fails: never; a region nobody knows is commercial, as botocore's endpoint rules have it. */
#include "local53/aws/partition.h"

#include <string.h>

/* The last row takes what no prefix fits (botocore "partitions.json": regionRegex and outputs). */
static const struct partition PARTITIONS[] = {
    {"aws-cn", "cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"},
    {"aws-us-gov", "us-gov-", "amazonaws.com", "api.aws"},
    {"aws-eusc", "eusc-", "amazonaws.eu", "api.amazonwebservices.eu"},
    {"aws-iso", "us-iso-", "c2s.ic.gov", "api.aws.ic.gov"},
    {"aws-iso-b", "us-isob-", "sc2s.sgov.gov", "api.aws.scloud"},
    {"aws-iso-e", "eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"},
    {"aws-iso-f", "us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov"},
    {"aws", "", "amazonaws.com", "api.aws"},
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

/* How many octets from `first` to `last` the text begins with. */
static size_t span(const char *text, char first, char last)
{
    size_t len = 0;

    while (text[len] >= first && text[len] <= last)
        len++;
    return len;
}

bool partition_is_region(const char *text)
{
    size_t words = 0;
    size_t len;

    while ((len = span(text, 'a', 'z')) >= 2 && text[len] == '-') {
        text += len + 1;
        words++;
    }
    len = span(text, '0', '9');
    return words >= 2 && len >= 1 && len <= 2 && text[len] == '\0';
}

/* Copies a label that looks like a region. Nearly all labels are told apart by their last octet. */
static bool copy_region(struct bytes label, char out[PARTITION_REGION_MAX])
{
    uint8_t last = label.data[label.len - 1];

    if (last < '0' || last > '9' || label.len >= PARTITION_REGION_MAX ||
        memchr(label.data, '\0', label.len) != NULL)
        return false;
    memcpy(out, label.data, label.len);
    out[label.len] = '\0';
    return partition_is_region(out);
}

const char *partition_find_region(const struct name *name, size_t *label,
                                  char out[PARTITION_REGION_MAX])
{
    for (size_t i = name->labels; i > 0; i--) {
        if (!copy_region(name_label(name, i - 1), out))
            continue;
        if (label != NULL)
            *label = i - 1;
        return out;
    }
    out[0] = '\0';
    return out;
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
