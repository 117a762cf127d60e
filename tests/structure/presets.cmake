# Builds of the other presets and their tests as tests of this build, so that one CTest summary covers them all.
#
# ./test switches this on in the release build only. A preset's tests need its build (a fixture); builds take both
# cores, test runs one. What an inner run prints is shown when it fails, and its own summary line when asked with -V.
foreach(preset clang debug asan tsan)
  add_test(NAME preset.${preset}.build
    COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/run_preset.sh build ${preset}
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(preset.${preset}.build PROPERTIES
    LABELS preset PROCESSORS 2 TIMEOUT 900 RESOURCE_LOCK build COST 1000 FIXTURES_SETUP preset_${preset})
  add_test(NAME preset.${preset}.tests
    COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/run_preset.sh test ${preset}
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(preset.${preset}.tests PROPERTIES
    LABELS preset TIMEOUT 900 COST 900 FIXTURES_REQUIRED preset_${preset})
endforeach()
