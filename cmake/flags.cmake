# Compiler flags of every target of ours; third-party headers come in as SYSTEM and are not held to them.
# The list follows facts/reliability-and-security.md section 6, as far as clang knows the warnings.

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 14)
  message(FATAL_ERROR "GCC ${CMAKE_CXX_COMPILER_VERSION} silently miscompiles coroutines (double frees without a "
                      "warning). Use the presets, which name clang++-19, or GCC 14 and newer.")
endif()

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1")
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g1")

option(QW_HARDEN "Hardening flags of the shipped build" OFF)
option(QW_ASSERTIONS "Assertions of the standard library" OFF)
option(QW_FUZZ "Build the libFuzzer targets as fuzzers instead of replaying their corpora" OFF)
set(QW_SANITIZE "" CACHE STRING "Value of -fsanitize=")

find_program(CCACHE ccache)
if(CCACHE)
  # The build folder is no part of what is compiled: a second preset folder, clone or worktree finds the cache warm.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CCACHE})
endif()

add_library(qw_flags INTERFACE)
target_include_directories(qw_flags INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(qw_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
  -Wold-style-cast -Wcast-align -Wnull-dereference -Wformat=2 -Wimplicit-fallthrough -Wextra-semi
  -Wmismatched-tags -Werror)
# Neither the checkout's place nor the build folder's is part of what is built: every path is as seen from the checkout. ccache turns
# paths below CCACHE_BASEDIR into ones that begin with "../..", hence the second line; of those that fit the last one counts.
file(RELATIVE_PATH QW_SOURCE_FROM_BUILD ${PROJECT_BINARY_DIR} ${PROJECT_SOURCE_DIR})
string(REGEX REPLACE "/$" "" QW_SOURCE_FROM_BUILD "${QW_SOURCE_FROM_BUILD}")
target_compile_options(qw_flags INTERFACE
  -ffile-prefix-map=${PROJECT_SOURCE_DIR}=. -ffile-prefix-map=${QW_SOURCE_FROM_BUILD}=.
  -ffile-prefix-map=${PROJECT_BINARY_DIR}=. -ffile-prefix-map=${PROJECT_BINARY_DIR}/=)
target_compile_definitions(qw_flags INTERFACE
  BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_COROUTINE
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION)

if(QW_HARDEN)
  # What guards jumps and returns is each processor's own, and refused for any other.
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|i.86)$")
    set(QW_HARDEN_JUMPS -fcf-protection=full)
  elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
    set(QW_HARDEN_JUMPS -mbranch-protection=standard)
  endif()
  target_compile_options(qw_flags INTERFACE
    -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -D_GLIBCXX_ASSERTIONS -fstack-protector-strong -fstack-clash-protection
    ${QW_HARDEN_JUMPS} -ftrivial-auto-var-init=zero)
  target_link_options(qw_flags INTERFACE -pie -Wl,-z,relro,-z,now,-z,noexecstack)
endif()
if(QW_ASSERTIONS)
  target_compile_definitions(qw_flags INTERFACE _GLIBCXX_ASSERTIONS)
endif()
if(QW_FUZZ)
  # Coverage of our own code is what guides the fuzzers.
  target_compile_options(qw_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(QW_SANITIZE)
  target_compile_options(qw_flags INTERFACE -fsanitize=${QW_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(qw_flags INTERFACE -fsanitize=${QW_SANITIZE})
  if(QW_SANITIZE MATCHES "undefined")
    # This one check opens a pipe to look at memory, and takes a lack of descriptors, which we test, for a wrong object.
    target_compile_options(qw_flags INTERFACE -fno-sanitize=vptr)
  endif()
  # Asio recycles coroutine frames, which would hide a use after free.
  target_compile_definitions(qw_flags INTERFACE
    BOOST_ASIO_DISABLE_AWAITABLE_FRAME_RECYCLING BOOST_ASIO_DISABLE_SMALL_BLOCK_RECYCLING)
endif()
