# Campaigns of thousands of states in one thread: the other builds run them, and ThreadSanitizer has nothing to see in them.
string(JOIN : STAVE_CAMPAIGNS_OF_ONE_THREAD BackupFaults.* Corpus.* */LogCrashTest.loses_nothing* */LogNthFaultTest.*)

# Under AddressSanitizer one seed of a kind does: what else the others meet, the release build runs. Nor does it see more in the
# millionth element of a sketch than in the thousandth.
string(JOIN : STAVE_MORE_OF_THE_SAME */LogCrashTest.*/2 */LogCrashTest.*/3 */LogCrashTest.*/4 */LogCrashTest.*/5 */LogCrashTest.*/6
       */LogCrashTest.*/7 */LogNthFaultTest.*/1 */LogNthFaultTest.*/2 EveryRow.tells_nothing_that_a_crash_could_take_back
       Top.of_a_million_* Digest.of_a_million_*)

# What ThreadSanitizer can see something in: test files that start threads. (The stores of the others have none that
# work beside their calls.) Sets `out` to those of `files`.
function(stave_tests_with_threads files out)
  set(kept)
  foreach(file ${files})
    file(STRINGS ${file} found REGEX "std::j?thread|std::async|background = true" LIMIT_COUNT 1)
    if(found)
      list(APPEND kept ${file})
    endif()
  endforeach()
  set(${out} ${kept} PARENT_SCOPE)
endfunction()

# Builds with sanitizers take the sources of a module several at a time: most of what compiling one costs is the same
# for its neighbours. So names that a source file keeps to itself are unique in its module. The warnings about shadows
# are left to the other builds, where the neighbours' names are not in sight; what GCC says of names without linkage in
# files that are included is about headers.
function(stave_unite target)
  if(STAVE_SANITIZE)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
    target_compile_options(${target} PRIVATE -Wno-shadow $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
  endif()
endfunction()

# What most files of a module read is read once for all of them: four fifths of compiling them was reading headers. A
# header compiled by itself (headers_alone) still shows that it includes what it needs; a tool that reads single files
# (preset `clang`, for clang-tidy) goes without. Names are written with <>, so that the text is the same in every checkout
# and ccache serves them all.
option(STAVE_PRECOMPILE "Precompile the headers that most files of a module read" ON)
set(STAVE_COMMON_HEADERS <algorithm> <array> <atomic> <charconv> <cstdint> <cstring> <functional> <limits> <map> <memory> <new>
    <optional> <set> <span> <string> <string_view> <utility> <vector>)
function(stave_precompile target)
  if(STAVE_PRECOMPILE)
    target_precompile_headers(${target} PRIVATE ${STAVE_COMMON_HEADERS} ${ARGN})
    # ccache asks for these before it keeps what was compiled with a precompiled header.
    if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
      target_compile_options(${target} PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
    else()
      target_compile_options(${target} PRIVATE -fpch-preprocess)
    endif()
  endif()
endfunction()

# stave_module(name [SOURCE_DIR dir] [USES module...] [LINKS library...] [PRECOMPILE header...] [ONE_THREAD])
#
# One static library `stave_<name>` from the *.cc of its directory (not below a directory of another module), and one
# test program `<name>_test` from its *_test.cc, which ctest runs under the module's name. ONE_THREAD: neither the module nor
# its tests have threads, so there is nothing for ThreadSanitizer to see in them.
function(stave_module name)
  cmake_parse_arguments(M "ONE_THREAD" "SOURCE_DIR" "USES;LINKS;TEST_LINKS;PRECOMPILE" ${ARGN})
  if(NOT M_SOURCE_DIR)
    set(M_SOURCE_DIR src/${name})
  endif()
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${M_SOURCE_DIR}/*.cc)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$|/main\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  if(STAVE_SANITIZE MATCHES "thread")
    stave_tests_with_threads("${tests}" tests)
  endif()
  set(kind PUBLIC)
  if(sources)
    add_library(stave_${name} STATIC ${sources})
    stave_unite(stave_${name})
  else()
    add_library(stave_${name} INTERFACE)
    set(kind INTERFACE)
  endif()
  target_include_directories(stave_${name} ${kind} ${CMAKE_SOURCE_DIR}/include ${CMAKE_SOURCE_DIR}/src)
  list(TRANSFORM M_USES PREPEND stave_)
  target_link_libraries(stave_${name} ${kind} ${M_USES} ${M_LINKS} Threads::Threads)
  if(M_PRECOMPILE)
    stave_precompile(stave_${name} ${M_PRECOMPILE})
  endif()
  if(STAVE_TESTS AND tests AND NOT (M_ONE_THREAD AND STAVE_SANITIZE MATCHES "thread"))
    add_executable(${name}_test ${tests})
    # What is tested is optimised; the tests themselves compile a third faster like this.
    target_compile_options(${name}_test PRIVATE -O1)
    target_include_directories(${name}_test PRIVATE ${CMAKE_SOURCE_DIR}/tests)
    target_link_libraries(${name}_test PRIVATE stave_${name} ${M_TEST_LINKS} GTest::gtest GTest::gtest_main)
    if(M_PRECOMPILE)
      stave_precompile(${name}_test ${M_PRECOMPILE} <gtest/gtest.h>)
    endif()
    add_test(NAME ${name} COMMAND ${name}_test)
    set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 900)
    if(STAVE_SANITIZE MATCHES "thread")
      set_tests_properties(${name} PROPERTIES ENVIRONMENT "GTEST_FILTER=-${STAVE_CAMPAIGNS_OF_ONE_THREAD}")
    elseif(STAVE_SANITIZE)
      set_tests_properties(${name} PROPERTIES ENVIRONMENT "GTEST_FILTER=-${STAVE_MORE_OF_THE_SAME}")
    endif()
  endif()
endfunction()
