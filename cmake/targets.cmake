# One folder is one library. It links only what the layer table of daemon/README.md allows; tests/lint/includes holds
# the #include lines to the same table.

# qw_library(NAME FOLDER [LINK targets...] [PRIVATE_LINK targets...])
function(qw_library name folder)
  cmake_parse_arguments(ARG "" "" "LINK;PRIVATE_LINK" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
  if(sources)
    add_library(${name} STATIC ${sources})
    target_link_libraries(${name} PUBLIC qw_flags ${ARG_LINK} PRIVATE ${ARG_PRIVATE_LINK})
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE qw_flags ${ARG_LINK} ${ARG_PRIVATE_LINK})
  endif()
endfunction()

# Test code itself is not what is fast or slow, and optimising it is half of a release build.
add_library(qw_test_flags INTERFACE)
target_compile_options(qw_test_flags INTERFACE -O0 -U_FORTIFY_SOURCE)

# qw_tests(NAME FOLDER LABEL [LINK targets...]): every *_test.cpp of the folder in one program.
function(qw_tests name folder label)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/*.cpp)
  if(NOT sources)
    return()
  endif()
  add_executable(${name} ${sources})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} qw_test_flags GTest::gmock GTest::gtest GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE QW_SOURCE_DIR="${PROJECT_SOURCE_DIR}" QW_BINARY_DIR="${PROJECT_BINARY_DIR}")
  gtest_discover_tests(${name} TEST_PREFIX "${label}." PROPERTIES LABELS ${label} TIMEOUT 300
    DISCOVERY_TIMEOUT 60)
endfunction()
