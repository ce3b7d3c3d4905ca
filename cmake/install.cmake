# What leaves the house: include/stave, libstave.a and libstave.so (every module that the library door needs, in one),
# the program, and what find_package(Stave) and pkg-config want to know.
if(STAVE_SANITIZE OR STAVE_FUZZ)
  return()
endif()
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# The modules are archives of their own, so that dependencies point down; a user links one file.
set(objects)
foreach(module base log keyspace types exchange packing store replication archive commands library client)
  get_target_property(kind stave_${module} TYPE)
  if(NOT kind STREQUAL INTERFACE_LIBRARY)
    list(APPEND objects $<TARGET_OBJECTS:stave_${module}>)
  endif()
endforeach()

foreach(kind STATIC SHARED)
  string(TOLOWER stave_${kind} target)
  add_library(${target} ${kind} ${objects})
  set_target_properties(${target} PROPERTIES OUTPUT_NAME stave LINKER_LANGUAGE CXX)
  target_include_directories(${target} INTERFACE $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include>
                                                 $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_compile_features(${target} INTERFACE cxx_std_23)
  # Who links the archive links what it is made of; the shared object brings that along.
  target_link_libraries(${target} PUBLIC Threads::Threads PRIVATE lz4 zstd lua5.1-c++)
endforeach()
set_target_properties(stave_static PROPERTIES EXPORT_NAME stave)
# A C program links the archive with a C compiler, which does not bring what C++ needs.
target_link_libraries(stave_static INTERFACE $<$<LINK_LANGUAGE:C>:stdc++> $<$<LINK_LANGUAGE:C>:m>)
# The shared object shows the public API and nothing else.
target_link_options(stave_shared PRIVATE "LINKER:--version-script=${CMAKE_SOURCE_DIR}/src/doors/library/exports.map")
set_target_properties(stave_shared PROPERTIES LINK_DEPENDS ${CMAKE_SOURCE_DIR}/src/doors/library/exports.map)
# Until 1.0 every minor version may change the C++ interface, and says so in its name.
set_target_properties(stave_shared PROPERTIES VERSION ${PROJECT_VERSION}
                      SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})

install(TARGETS stave_static stave_shared EXPORT StaveTargets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/stave DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
if(TARGET stave)
  install(TARGETS stave RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(FILES ${CMAKE_SOURCE_DIR}/LICENSE ${CMAKE_SOURCE_DIR}/README.md ${CMAKE_SOURCE_DIR}/CHANGELOG.md
              ${CMAKE_SOURCE_DIR}/CONTRIBUTING.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY ${CMAKE_SOURCE_DIR}/docs DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN "*.md")
# Man pages and completions come from the program's own help, so they are made when it is installed.
find_program(STAVE_PYTHON python3 PATHS /usr/bin NO_DEFAULT_PATH)
if(TARGET stave AND STAVE_PYTHON)
  set(pages ${CMAKE_BINARY_DIR}/generated/pages)
  install(CODE "
    execute_process(COMMAND \"${STAVE_PYTHON}\" -B \"${CMAKE_SOURCE_DIR}/packaging/generate_docs.py\" \"$<TARGET_FILE:stave>\"
                            \"${PROJECT_VERSION}\" \"${pages}\" COMMAND_ERROR_IS_FATAL ANY OUTPUT_QUIET)")
  install(DIRECTORY ${pages}/man/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 FILES_MATCHING PATTERN "*.1")
  install(DIRECTORY ${pages}/man/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man5 FILES_MATCHING PATTERN "*.5")
  install(FILES ${pages}/completion/stave.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME stave)
  install(FILES ${pages}/completion/_stave DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
  install(FILES ${pages}/completion/stave.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
endif()

set(package_directory ${CMAKE_INSTALL_LIBDIR}/cmake/Stave)
install(EXPORT StaveTargets NAMESPACE Stave:: DESTINATION ${package_directory})
configure_package_config_file(${CMAKE_SOURCE_DIR}/cmake/StaveConfig.cmake.in ${CMAKE_BINARY_DIR}/StaveConfig.cmake
                              INSTALL_DESTINATION ${package_directory})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/StaveConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/StaveConfig.cmake ${CMAKE_BINARY_DIR}/StaveConfigVersion.cmake DESTINATION ${package_directory})

# The file finds its prefix from where it lies, so that an installation can be moved.
file(RELATIVE_PATH PC_PREFIX /p/${CMAKE_INSTALL_LIBDIR}/pkgconfig /p)
configure_file(${CMAKE_SOURCE_DIR}/cmake/stave.pc.in ${CMAKE_BINARY_DIR}/stave.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/stave.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
