# What `cmake --install` puts where: the command, the libraries, the headers, and what finds them from
# CMake (find_package(smallblock)) and from pkg-config. Included by the root when smallblock is not a part of another
# project. Tested by tests/api/run_installed.sh.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/smallblock)

install(TARGETS smallblock smallblock_static EXPORT smallblock_targets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET smallblock_preload)
  install(TARGETS smallblock_preload EXPORT smallblock_targets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()
if(TARGET smallblock_command)
  install(TARGETS smallblock_command RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/smallblock DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

install(EXPORT smallblock_targets NAMESPACE smallblock:: DESTINATION ${package_dir})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/smallblock-config.cmake.in
  ${CMAKE_BINARY_DIR}/smallblock-config.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/smallblock-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/smallblock-config.cmake ${CMAKE_BINARY_DIR}/smallblock-config-version.cmake
  DESTINATION ${package_dir})

# From where the file lies to the prefix, for `cmake --install --prefix` may choose another one; but not where the
# folders are fixed.
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
  set(smallblock_pc_prefix ${CMAKE_INSTALL_PREFIX})
else()
  file(RELATIVE_PATH up /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
  set(smallblock_pc_prefix "\${pcfiledir}/${up}")
endif()
foreach(folder lib include)
  string(TOUPPER ${folder} name)
  set(smallblock_pc_${folder}dir ${CMAKE_INSTALL_${name}DIR})
  if(NOT IS_ABSOLUTE "${CMAKE_INSTALL_${name}DIR}")
    string(PREPEND smallblock_pc_${folder}dir "\${prefix}/")
  endif()
endforeach()
configure_file(${CMAKE_CURRENT_LIST_DIR}/smallblock.pc.in ${CMAKE_BINARY_DIR}/smallblock.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/smallblock.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
