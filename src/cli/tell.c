/* tell: lines or JSON. Thread: any; the state is the caller's. Fails: as stdio does, told by ferror; text that is
 * longer than TEXT_MAX is cut. */
#include "local53/cli/tell.h"

#include <stdarg.h>

#include "local53/cli/json_text.h"

#define TEXT_MAX 2048
#define WORD_WIDTH 10 /* "question: " */

void tell_begin(struct tell *tell, FILE *out, bool json)
{
    *tell = (struct tell){.out = out, .json = json};
    if (json)
        fputc('{', out);
}

void tell_end(struct tell *tell)
{
    if (tell->json)
        fputs("}\n", tell->out);
}

/* The key of a member, and the comma before it. */
static void open_member(struct tell *tell, const char *key)
{
    fprintf(tell->out, "%s\"%s\":", tell->has_member ? "," : "", key);
    tell->has_member = true;
}

static void write_word(struct tell *tell, const char *word)
{
    int blanks = WORD_WIDTH - fprintf(tell->out, "%s:", word);
    fprintf(tell->out, "%*s", blanks, "");
}

static void write_text(struct tell *tell, const char *key, const char *format, va_list arguments)
{
    char text[TEXT_MAX];
    vsnprintf(text, sizeof(text), format, arguments);
    if (tell->json) {
        open_member(tell, key);
        json_text_write(tell->out, text);
    } else {
        write_word(tell, key);
        fprintf(tell->out, "%s\n", text);
    }
}

void tell_text(struct tell *tell, const char *key, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    write_text(tell, key, format, arguments);
    va_end(arguments);
}

void tell_people(struct tell *tell, const char *key, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (!tell->json)
        write_text(tell, key, format, arguments);
    va_end(arguments);
}

void tell_programs(struct tell *tell, const char *key, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (tell->json)
        write_text(tell, key, format, arguments);
    va_end(arguments);
}

void tell_seconds(struct tell *tell, const char *key, uint64_t seconds)
{
    if (tell->json)
        open_member(tell, key);
    else
        write_word(tell, key);
    fprintf(tell->out, tell->json ? "%llu" : "%llu s\n", (unsigned long long)seconds);
}

void tell_rows_begin(struct tell *tell, const char *key)
{
    tell->has_row = false;
    if (!tell->json)
        return;
    open_member(tell, key);
    fputc('[', tell->out);
}

static void write_value(struct tell *tell, const struct tell_column *column)
{
    if (column->number)
        fputs(column->text, tell->out);
    else
        json_text_write(tell->out, column->text);
}

static void write_object(struct tell *tell, const struct tell_column *columns, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        fprintf(tell->out, "%s\"%s\":", i == 0 ? "{" : ",", columns[i].key);
        write_value(tell, &columns[i]);
    }
    fputc('}', tell->out);
}

void tell_row(struct tell *tell, const char *word, const struct tell_column *columns, size_t count)
{
    if (tell->json) {
        fputs(tell->has_row ? "," : "", tell->out);
        tell->has_row = true;
        if (count == 1)
            write_value(tell, columns);
        else
            write_object(tell, columns, count);
        return;
    }
    write_word(tell, word);
    const char *before = "";
    for (size_t i = 0; i < count; i++) {
        if (columns[i].text[0] == '\0')
            continue;
        fprintf(tell->out, "%s%s", before, columns[i].text);
        before = "  ";
    }
    fputc('\n', tell->out);
}

void tell_rows_end(struct tell *tell)
{
    if (tell->json)
        fputc(']', tell->out);
}
