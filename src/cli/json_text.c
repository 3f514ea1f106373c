/* json_text: text as a JSON string. Thread: any; no state. Fails: as stdio does, told by ferror. */
#include "local53/cli/json_text.h"

void json_text_write(FILE *out, const char *text)
{
    fputc('"', out);
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\')
            fprintf(out, "\\%c", *c);
        else if (*c < 0x20)
            fprintf(out, "\\u%04x", *c);
        else
            fputc(*c, out);
    }
    fputc('"', out);
}

void json_text_member(FILE *out, const char *key, const char *text)
{
    fprintf(out, "\"%s\": ", key);
    if (text == NULL || text[0] == '\0')
        fputs("null", out);
    else
        json_text_write(out, text);
}
