# Turns the AWS catalogue (tab separated) into C rows: one {"service", "names,comma", "scope"}, a line.
# Used: cmake -DTSV=<in> -DINC=<out> -P embed.cmake. A line that is no comment and no row stops the build.
file(READ "${TSV}" text)
string(REGEX REPLACE "\r" "" text "${text}\n")
string(REGEX REPLACE "(^|\n)#[^\n]*" "\\1" text "${text}")
set(row "([^\t\n\"\\]+)\t([^\t\n\"\\]+)\t([a-z]+)(\t[^\n]*)?\n")

string(REGEX REPLACE "${row}" "" rest "${text}")
string(STRIP "${rest}" rest)
if(NOT rest STREQUAL "")
  message(FATAL_ERROR "${TSV}: not a row (service TAB names TAB scope TAB evidence): ${rest}")
endif()

string(REGEX MATCHALL "${row}" rows "${text}")
list(LENGTH rows count)
if(count EQUAL 0)
  message(FATAL_ERROR "${TSV}: no rows")
endif()
string(REGEX REPLACE "${row}" "{\"\\1\", \"\\2\", \"\\3\"},\n" rows "${text}")
string(REGEX REPLACE "\n\n+" "\n" rows "\n${rows}")
file(WRITE "${INC}" "/* Generated from endpoint-services.tsv: do not edit. */${rows}")
