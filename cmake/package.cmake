# The Debian package: `ninja deb` puts it, with its SBOM, into package/ of the build folder. deploy/debian/README.md says more.
find_program(DPKG_PARSECHANGELOG dpkg-parsechangelog)
if(NOT DPKG_PARSECHANGELOG)
  return() # not a Debian
endif()

set(debian ${PROJECT_SOURCE_DIR}/deploy/debian)
set(made ${PROJECT_BINARY_DIR}/package-files)
foreach(field Version Timestamp)
  execute_process(COMMAND ${DPKG_PARSECHANGELOG} -l ${debian}/changelog -S ${field}
    OUTPUT_VARIABLE package_${field} OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
endforeach()
if(NOT package_Version MATCHES "^${PROJECT_VERSION}-([0-9]+)$")
  message(FATAL_ERROR "deploy/debian/changelog is about ${package_Version}, and this is ${PROJECT_VERSION}")
endif()
set(package_release ${CMAKE_MATCH_1})
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${debian}/changelog)

# made_file(NAME DEPENDS... COMMAND...): a file of the package that is no file of the source.
set(made_files)
function(made_file name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;COMMAND" ${ARGN})
  add_custom_command(OUTPUT ${made}/${name} COMMAND ${CMAKE_COMMAND} -E make_directory ${made}
    COMMAND ${ARG_COMMAND} > ${made}/${name} DEPENDS ${ARG_DEPENDS} VERBATIM)
  set(made_files ${made_files} ${made}/${name} PARENT_SCOPE)
endfunction()
made_file(quorumwatch.1.gz DEPENDS quorumwatch COMMAND sh -c "./quorumwatch man | gzip -9n")
made_file(completion.bash DEPENDS quorumwatch COMMAND ./quorumwatch completion bash)
made_file(completion.zsh DEPENDS quorumwatch COMMAND ./quorumwatch completion zsh)
made_file(completion.fish DEPENDS quorumwatch COMMAND ./quorumwatch completion fish)
made_file(changelog.Debian.gz DEPENDS ${debian}/changelog COMMAND gzip -9nc ${debian}/changelog)
made_file(changelog.gz DEPENDS ${PROJECT_SOURCE_DIR}/CHANGELOG.md COMMAND gzip -9nc ${PROJECT_SOURCE_DIR}/CHANGELOG.md)
made_file(quorumwatch.example.yml DEPENDS ${PROJECT_SOURCE_DIR}/config/quorumwatch.example.yml
  COMMAND sed "s|\\.\\./dashboards/alerts|/usr/share/quorumwatch/rules|" ${PROJECT_SOURCE_DIR}/config/quorumwatch.example.yml)

# Every place is spelled out from the root, since unit and configuration name some of them.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)
install(TARGETS quorumwatch DESTINATION usr/bin)
install(FILES ${PROJECT_SOURCE_DIR}/deploy/systemd/quorumwatch.service DESTINATION lib/systemd/system)
install(FILES ${debian}/quorumwatch.yml DESTINATION etc/quorumwatch)
install(FILES ${debian}/default DESTINATION etc/default RENAME quorumwatch)
# The program has the runbooks in it; these are to be read without it.
foreach(folder alerts/rules.yml:quorumwatch/rules grafana/json:quorumwatch/dashboards runbooks/md:doc/quorumwatch/runbooks)
  string(REGEX MATCH "^(.*)/(.*):(.*)$" ignored ${folder})
  set(to ${CMAKE_MATCH_3})
  file(GLOB files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/dashboards/${CMAKE_MATCH_1}/*.${CMAKE_MATCH_2})
  install(FILES ${files} DESTINATION usr/share/${to})
endforeach()
set(doc usr/share/doc/quorumwatch)
install(FILES ${debian}/copyright ${made}/changelog.Debian.gz ${made}/changelog.gz DESTINATION ${doc})
install(FILES ${made}/quorumwatch.example.yml DESTINATION ${doc}/examples)
file(GLOB drop_ins CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/deploy/systemd/drop-ins/*.conf)
install(FILES ${drop_ins} DESTINATION ${doc}/examples/drop-ins)
install(FILES ${made}/quorumwatch.1.gz DESTINATION usr/share/man/man1)
install(FILES ${made}/completion.bash DESTINATION usr/share/bash-completion/completions RENAME quorumwatch)
install(FILES ${made}/completion.zsh DESTINATION usr/share/zsh/vendor-completions RENAME _quorumwatch)
install(FILES ${made}/completion.fish DESTINATION usr/share/fish/vendor_completions.d RENAME quorumwatch.fish)

file(READ ${debian}/description description)
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME quorumwatch)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGING_INSTALL_PREFIX /)
set(CPACK_STRIP_FILES ON)
set(CPACK_OUTPUT_FILE_PREFIX package)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE ${package_release})
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "Quorumwatch maintainers <maintainers@quorumwatch.example>")
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "leader elections, split brain, replication lag and clocks")
string(REGEX REPLACE "\n$" "" description "${description}")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "${description}")
# The unit reloads with its kill.
set(CPACK_DEBIAN_PACKAGE_DEPENDS procps)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "chrony, prometheus-alertmanager")
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${debian}/conffiles ${debian}/postinst ${debian}/prerm ${debian}/postrm)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
# Read by cpack itself, whose archives have this time in them.
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/package-time.cmake @ONLY CONTENT [[
if(NOT DEFINED ENV{SOURCE_DATE_EPOCH})
  set(ENV{SOURCE_DATE_EPOCH} @package_Timestamp@)
endif()
]])
set(CPACK_PROJECT_CONFIG_FILE ${PROJECT_BINARY_DIR}/package-time.cmake)
include(CPack)

execute_process(COMMAND dpkg --print-architecture OUTPUT_VARIABLE architecture OUTPUT_STRIP_TRAILING_WHITESPACE)
set(package package/quorumwatch_${package_Version}_${architecture})
add_custom_target(deb DEPENDS quorumwatch ${made_files} WORKING_DIRECTORY ${PROJECT_BINARY_DIR}
  COMMAND ${debian}/pack ${CMAKE_CPACK_COMMAND}
  COMMAND ${debian}/sbom --version ${package_Version} --time ${package_Timestamp} ${PROJECT_BINARY_DIR} > ${package}.cdx.json
  VERBATIM)
