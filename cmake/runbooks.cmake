# The runbooks in the program: dashboards/runbooks/NAME.md becomes HTML once, when the program is built, so that nothing has to
# read Markdown at 3 a.m. Used in two ways: included by CMakeLists.txt, and run as a script by the command that it defines.

if(NOT CMAKE_SCRIPT_MODE_FILE)
  # qw_runbooks(TARGET): the library gets daemon/export/runbooks.hpp's runbook_sources().
  function(qw_runbooks target)
    find_program(CMARK_GFM cmark-gfm REQUIRED)
    file(GLOB pages CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/dashboards/runbooks/*.md)
    set(made ${PROJECT_BINARY_DIR}/runbook_sources.cpp)
    add_custom_command(OUTPUT ${made}
      COMMAND ${CMAKE_COMMAND} -DCMARK_GFM=${CMARK_GFM} -DFOLDER=${PROJECT_SOURCE_DIR}/dashboards/runbooks -DOUT=${made}
              -P ${PROJECT_SOURCE_DIR}/cmake/runbooks.cmake
      DEPENDS ${pages} ${PROJECT_SOURCE_DIR}/cmake/runbooks.cmake VERBATIM)
    target_sources(${target} PRIVATE ${made})
  endfunction()
  return()
endif()

# A page that the folder does not have is missing in the index, and nothing else.
file(GLOB pages ${FOLDER}/*.md)
list(SORT pages)
set(text "// Made from dashboards/runbooks by cmake/runbooks.cmake.\n#include \"daemon/export/runbooks.hpp\"\n\n")
string(APPEND text "namespace qw::exporting {\nnamespace {\n\nconstexpr RunbookSource kSources[] = {\n")
foreach(page IN LISTS pages)
  get_filename_component(name ${page} NAME_WE)
  if(name STREQUAL "README")
    continue()
  endif()
  # Without --unsafe: HTML in a page is left out, and links can run nothing.
  execute_process(COMMAND ${CMARK_GFM} --validate-utf8 -e table -e strikethrough --to html ${page}
    OUTPUT_VARIABLE html COMMAND_ERROR_IS_FATAL ANY)
  # Pages link to one another's headings, which cmark-gfm gives no names.
  string(REGEX MATCHALL "<h2>[^<]*</h2>" headings "${html}")
  foreach(heading IN LISTS headings)
    string(REGEX REPLACE "<h2>(.*)</h2>" "\\1" words "${heading}")
    string(TOLOWER "${words}" anchor)
    string(REGEX REPLACE "[^a-z0-9 -]" "" anchor "${anchor}")
    string(REPLACE " " "-" anchor "${anchor}")
    string(REPLACE "${heading}" "<h2 id=\"${anchor}\">${words}</h2>" html "${html}")
  endforeach()
  string(FIND "${html}" ")runbook\"" clash)
  string(LENGTH "${html}" size)
  if(NOT clash EQUAL -1 OR size GREATER 60000)
    message(FATAL_ERROR "${page} can not be embedded")
  endif()
  string(APPEND text "    {\"${name}\", R\"runbook(${html})runbook\"},\n")
endforeach()
string(APPEND text "    {\"\", \"\"},  // an array must not be empty\n};\n\n}  // namespace\n\n")
string(APPEND text "std::span<const RunbookSource> runbook_sources() {\n  return std::span(kSources).first(std::size(kSources) - 1);\n}\n\n")
string(APPEND text "}  // namespace qw::exporting\n")
file(WRITE ${OUT} "${text}")
