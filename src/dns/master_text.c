/* master_text: one pass over the octets of a master file, which knows quotes, escapes, comments and parentheses.
 * Owns: nothing; entries are written into the caller's room. Thread: any; no state beyond the struct.
 * Bounds: an entry is at most as long as the text. Fails: an entry with a fault; the next line begins anew. */
#include "master_text.h"

#include <string.h>

/* How the scan of one entry stands. */
struct scan {
    size_t len;    /* octets of the entry so far */
    size_t depth;  /* parentheses open */
    bool quoted;   /* inside quotes */
    bool escaped;  /* the next octet is taken as it is */
    bool is_blank; /* a blank is due before the next octet of a word */
    bool ended;    /* the line, and with it the entry, is over */
};

static void put(struct master_text *text, struct scan *scan, char octet)
{
    if (scan->is_blank && scan->len > 0)
        text->room[scan->len++] = ' ';
    scan->is_blank = false;
    text->room[scan->len++] = octet;
}

static void skip_comment(struct master_text *text)
{
    while (text->at < text->text.len && text->text.data[text->at] != '\n')
        text->at++;
}

/* An octet that is no part of a word outside quotes, or a parenthesis; gives the fault. */
static const char *take_between(struct master_text *text, struct scan *scan, char octet)
{
    scan->is_blank = true;
    if (octet == ';')
        skip_comment(text);
    else if (octet == '(')
        scan->depth++;
    else if (octet == ')' && scan->depth == 0)
        return "\")\" without \"(\" before it";
    else if (octet == ')')
        scan->depth--;
    else if (octet == '\n')
        scan->ended = scan->depth == 0;
    return NULL;
}

static const char *take_octet(struct master_text *text, struct scan *scan, char octet)
{
    bool inside = scan->quoted || scan->escaped;

    if (octet == '\0')
        return "an octet of value 0: this is no text";
    if (octet == '\n' && scan->escaped)
        return "\"\\\" at the end of a line";
    if (octet == '\n' && scan->quoted)
        return "a quote is not closed on its line";
    if (!inside && strchr(" \t\r\n;()", octet) != NULL)
        return take_between(text, scan, octet);
    if (!scan->escaped && octet == '"')
        scan->quoted = !scan->quoted;
    scan->escaped = !scan->escaped && octet == '\\';
    put(text, scan, octet);
    return NULL;
}

/* What the end of the file leaves open. */
static const char *fault_at_end(const struct scan *scan)
{
    if (scan->quoted)
        return "a quote is not closed";
    if (scan->escaped)
        return "\"\\\" at the end of the file";
    return scan->depth > 0 ? "\"(\" is not closed before the end of the file" : NULL;
}

/* Reads one entry; what is behind a fault on its line is passed over. */
static void scan_entry(struct master_text *text, struct master_entry *out)
{
    struct scan scan = {0};

    while (text->at < text->text.len && !scan.ended && out->fault == NULL) {
        char octet = (char)text->text.data[text->at++];

        out->fault = take_octet(text, &scan, octet);
        if (octet == '\n')
            text->line++;
        else if (out->fault != NULL)
            skip_comment(text);
        if (scan.len == 0 && octet == '\n')
            out->line = text->line;
    }
    if (out->fault == NULL)
        out->fault = fault_at_end(&scan);
    text->room[scan.len] = '\0';
}

bool master_text_next(struct master_text *text, struct master_entry *out)
{
    while (text->at < text->text.len) {
        char first = (char)text->text.data[text->at];

        *out = (struct master_entry){.text = text->room, .line = text->line};
        out->indented = first == ' ' || first == '\t';
        scan_entry(text, out);
        if (out->fault != NULL || out->text[0] != '\0')
            return true;
    }
    return false;
}

/* Where the word at this place ends. */
static char *word_end(char *at)
{
    bool quoted = false;

    for (; *at != '\0' && (quoted || *at != ' '); at++) {
        if (*at == '"')
            quoted = !quoted;
        if (*at == '\\' && at[1] != '\0')
            at++;
    }
    return at;
}

char *master_take_word(char **rest)
{
    char *word = *rest;
    char *end = word_end(word);

    if (*word == '\0')
        return NULL;
    *rest = *end == '\0' ? end : end + 1;
    *end = '\0';
    return word;
}
