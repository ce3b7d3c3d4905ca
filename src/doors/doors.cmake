# The doors. Each is a module of its own; none includes another but through its public header.
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)

stave_module(library SOURCE_DIR src/doors/library USES commands)
stave_module(client SOURCE_DIR src/doors/client USES base)
stave_module(resp SOURCE_DIR src/doors/resp USES commands LINKS OpenSSL::Crypto spdlog::spdlog)
stave_module(shell SOURCE_DIR src/doors/shell USES library client LINKS boost_json edit)
