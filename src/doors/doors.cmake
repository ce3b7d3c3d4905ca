# The doors. Each is a module of its own; none includes another but through its public header.
find_package(OpenSSL REQUIRED COMPONENTS Crypto SSL)
find_package(ZLIB REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
add_subdirectory(proto)

stave_module(library SOURCE_DIR src/doors/library USES commands PRECOMPILE <stave/store.h> <commands/call.h>)
stave_module(client SOURCE_DIR src/doors/client USES base)
stave_module(tls SOURCE_DIR src/doors/tls USES base LINKS OpenSSL::SSL OpenSSL::Crypto)
stave_module(resp SOURCE_DIR src/doors/resp USES commands tls LINKS OpenSSL::SSL OpenSSL::Crypto spdlog::spdlog TEST_LINKS stave_testing
             PRECOMPILE <commands/session.h> <spdlog/spdlog.h>)
stave_module(http SOURCE_DIR src/doors/http USES commands tls
             LINKS stave_proto prometheus-cpp-core boost_json OpenSSL::SSL OpenSSL::Crypto ZLIB::ZLIB spdlog::spdlog TEST_LINKS stave_testing
             PRECOMPILE <doors/http/connection.h> <boost/json.hpp>)
stave_module(shell SOURCE_DIR src/doors/shell USES library client exchange LINKS edit ONE_THREAD)
stave_module(tools SOURCE_DIR src/doors/tools USES library client exchange resp LINKS CLI11::CLI11 TEST_LINKS stave_testing
             PRECOMPILE <stave/store.h> <CLI/CLI.hpp>)

# The program. It lies at the top of the build directory, where scripts look for it.
add_executable(stave ${CMAKE_SOURCE_DIR}/src/main.cc)
set_target_properties(stave PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
target_link_libraries(stave PRIVATE stave_resp stave_http stave_shell stave_tools CLI11::CLI11)
target_compile_definitions(stave PRIVATE STAVE_VERSION="${PROJECT_VERSION}")
if(NOT STAVE_SANITIZE)
  # Sanitizers bring an allocator of their own. The library never forces one on who links it.
  find_library(JEMALLOC jemalloc REQUIRED)
  target_link_libraries(stave PRIVATE ${JEMALLOC})
endif()
