/* json_text: text as a JSON string, for the commands that print for programs. */
#ifndef LOCAL53_CLI_JSON_TEXT_H
#define LOCAL53_CLI_JSON_TEXT_H

#include <stdio.h>

/* Writes text as a JSON string (RFC 8259 section 7), quotes included; text is UTF-8. */
void json_text_write(FILE *out, const char *text);

/* Writes a member of an object: the key, which needs no escapes, and the text; null where there is none (NULL or ""). */
void json_text_member(FILE *out, const char *key, const char *text);

#endif
