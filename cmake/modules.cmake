# The house in functions: a folder is a module, tests/<folder>/*_test.c are its tests.

# unstage_module(net USES base LIBRARIES libsodium TALKS libcurl)
# TALKS: libraries that an OFFLINE program goes without. EXCEPT: sources that belong to programs.
function(unstage_module name)
	cmake_parse_arguments(module "" "" "USES;LIBRARIES;TALKS;EXCEPT" ${ARGN})
	file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${name}/*.c)
	list(TRANSFORM module_EXCEPT PREPEND ${CMAKE_SOURCE_DIR}/${name}/)
	list(REMOVE_ITEM sources ${module_EXCEPT})
	add_library(unstage_${name} STATIC ${sources})
	target_include_directories(unstage_${name} PUBLIC ${CMAKE_SOURCE_DIR})
	foreach(used ${module_USES})
		target_link_libraries(unstage_${name} PUBLIC unstage_${used})
	endforeach()
	foreach(library ${module_LIBRARIES})
		target_link_libraries(unstage_${name} PUBLIC PkgConfig::${library})
	endforeach()
	foreach(library ${module_TALKS})
		target_link_libraries(unstage_${name} PUBLIC
			$<$<NOT:$<BOOL:$<TARGET_PROPERTY:UNSTAGE_OFFLINE>>>:PkgConfig::${library}>)
	endforeach()
	unstage_tests_of(${name} unstage_${name})
endfunction()

# unstage_tests_of(together unstage_graph unstage_simulator): tests/<name>/*_test.c, linked with these.
function(unstage_tests_of name)
	file(GLOB tests CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/${name}/*_test.c)
	# What a folder's tests share; linked into each of them.
	file(GLOB helpers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/${name}/*.c)
	list(FILTER helpers EXCLUDE REGEX "_test\\.c$")
	foreach(source ${tests})
		get_filename_component(test ${source} NAME_WE)
		set(target ${name}_${test})
		add_executable(${target} EXCLUDE_FROM_ALL ${source} ${helpers})
		target_link_libraries(${target} PRIVATE ${ARGN} PkgConfig::cmocka)
		target_compile_definitions(${target} PRIVATE TEST_DATA="${CMAKE_SOURCE_DIR}/tests/data"
			TEST_SOURCE="${CMAKE_SOURCE_DIR}")
		set_target_properties(${target} PROPERTIES
			RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
		add_test(NAME ${target} COMMAND ${target})
		# cmocka catches SIGSEGV; the sanitizer has to win.
		set_tests_properties(${target} PROPERTIES TIMEOUT 600 LABELS module
			ENVIRONMENT "ASAN_OPTIONS=handle_segv=2:detect_leaks=1;UBSAN_OPTIONS=print_stacktrace=1")
		set_property(GLOBAL APPEND PROPERTY unstage_tests ${target})
	endforeach()
endfunction()

# unstage_variant(base portable SCAN_PORTABLE scan): the tests tests/<folder>/<prefix>*_test.c once more, on
# <folder>/<prefix>*.c compiled with that definition. Of the module itself the linker takes the rest.
function(unstage_variant folder variant definition prefix)
	file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/${prefix}*.c)
	add_library(${folder}_${variant} OBJECT EXCLUDE_FROM_ALL ${sources})
	target_include_directories(${folder}_${variant} PRIVATE ${CMAKE_SOURCE_DIR})
	target_compile_definitions(${folder}_${variant} PRIVATE ${definition})
	get_property(tests GLOBAL PROPERTY unstage_tests)
	list(FILTER tests INCLUDE REGEX "^${folder}_${prefix}.*_test$")
	foreach(test ${tests})
		get_target_property(test_sources ${test} SOURCES)
		get_target_property(test_libraries ${test} LINK_LIBRARIES)
		get_target_property(test_definitions ${test} COMPILE_DEFINITIONS)
		string(REGEX REPLACE "^${folder}_" "${folder}_${variant}_" target ${test})
		add_executable(${target} EXCLUDE_FROM_ALL ${test_sources} $<TARGET_OBJECTS:${folder}_${variant}>)
		target_link_libraries(${target} PRIVATE ${test_libraries})
		target_compile_definitions(${target} PRIVATE ${test_definitions})
		set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
		add_test(NAME ${target} COMMAND ${target})
		set_tests_properties(${target} PROPERTIES TIMEOUT 600 LABELS module
			ENVIRONMENT "ASAN_OPTIONS=handle_segv=2:detect_leaks=1;UBSAN_OPTIONS=print_stacktrace=1")
		set_property(GLOBAL APPEND PROPERTY unstage_tests ${target})
	endforeach()
endfunction()

# unstage_program(unstage OFFLINE SOURCES cli/main.c USES cli): without the libraries that TALK, so a call that ends
# in one of them does not link.
function(unstage_program name)
	cmake_parse_arguments(program "OFFLINE" "" "SOURCES;USES" ${ARGN})
	add_executable(${name} ${program_SOURCES})
	set_target_properties(${name} PROPERTIES UNSTAGE_OFFLINE ${program_OFFLINE})
	foreach(used ${program_USES})
		target_link_libraries(${name} PRIVATE unstage_${used})
	endforeach()
endfunction()

# The program against the simulator and against the world's own tools: tests/program/*_test.sh.
function(unstage_program_tests)
	get_property(tests GLOBAL PROPERTY unstage_tests)
	add_custom_target(unstage_tests DEPENDS unstage ${tests})
	file(GLOB scripts CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/program/*_test.sh)
	foreach(script ${scripts})
		get_filename_component(test ${script} NAME_WE)
		add_test(NAME program_${test} COMMAND bash ${script})
		set_tests_properties(program_${test} PROPERTIES TIMEOUT 900 LABELS program
			ENVIRONMENT "UNSTAGE=$<TARGET_FILE:unstage>;TAKE=$<TARGET_FILE:bench_take>;SOURCE=${CMAKE_SOURCE_DIR}")
		set_property(TEST program_${test} PROPERTY SKIP_RETURN_CODE 77)
	endforeach()
endfunction()

# fuzz/<folder>_<what>.c: a libFuzzer target that links that folder.
function(unstage_fuzzers)
	if(NOT UNSTAGE_FUZZ)
		return()
	endif()
	file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/fuzz/*.c)
	foreach(source ${sources})
		get_filename_component(target ${source} NAME_WE)
		string(REGEX REPLACE "_.*" "" folder ${target})
		add_executable(fuzz_${target} ${source})
		target_link_libraries(fuzz_${target} PRIVATE unstage_${folder})
		if(target STREQUAL "net_unpack")
			target_link_libraries(fuzz_${target} PRIVATE z) # the oracle
		endif()
		target_link_options(fuzz_${target} PRIVATE -fsanitize=fuzzer)
		set_target_properties(fuzz_${target} PROPERTIES
			RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
	endforeach()
endfunction()

# bench/*.c: programs that ./dev bench measures with.
function(unstage_benches)
	file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/bench/*.c)
	foreach(source ${sources})
		get_filename_component(name ${source} NAME_WE)
		add_executable(bench_${name} EXCLUDE_FROM_ALL ${source})
		target_link_libraries(bench_${name} PRIVATE unstage_imports unstage_rollback)
		set_target_properties(bench_${name} PROPERTIES
			RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench)
	endforeach()
endfunction()
