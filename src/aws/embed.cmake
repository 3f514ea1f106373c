# Turns the AWS catalogue (tab separated) into C rows of seven texts, in the columns' order; a column "-" is empty.
# Used: cmake -DTSV=<in> -DINC=<out> -P embed.cmake. A line that is no comment and no row stops the build.
file(READ "${TSV}" text)
string(REGEX REPLACE "\r" "" text "${text}\n")
string(REGEX REPLACE "(^|\n)#[^\n]*" "\\1" text "${text}")
set(column "([^\t\n\"\\]+)")
set(row "${column}\t${column}\t${column}\t${column}\t([a-z]+)\t${column}\t${column}\n")

string(REGEX REPLACE "${row}" "" rest "${text}")
string(STRIP "${rest}" rest)
if(NOT rest STREQUAL "")
  message(FATAL_ERROR "${TSV}: not a row (service, names, dualstack, fips, scope, evidence, note): ${rest}")
endif()

string(REGEX MATCHALL "${row}" rows "${text}")
list(LENGTH rows count)
if(count EQUAL 0)
  message(FATAL_ERROR "${TSV}: no rows")
endif()
set(texts "{\"\\1\", \"\\2\", \"\\3\", \"\\4\", \"\\5\", \"\\6\", \"\\7\"},\n")
string(REGEX REPLACE "${row}" "${texts}" rows "${text}")
string(REPLACE "\"-\"" "\"\"" rows "${rows}")
string(REGEX REPLACE "\n\n+" "\n" rows "\n${rows}")
file(WRITE "${INC}" "/* Generated from endpoint-services.tsv: do not edit. */${rows}")
