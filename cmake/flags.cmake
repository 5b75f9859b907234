# Warnings for gcc 12 and clang 14, hardening in release, sanitizers in tests (docs/security.md).

add_compile_definitions(_GNU_SOURCE UNSTAGE_VERSION="${PROJECT_VERSION}")
add_compile_options(
	-Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef
	-Wwrite-strings -Wformat=2 -Wcast-align -Wpointer-arith -Wimplicit-fallthrough
	-fno-strict-aliasing -fno-common
	-ffile-prefix-map=${CMAKE_SOURCE_DIR}=.)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
	add_compile_options(-Wlogical-op -Wduplicated-cond -Wduplicated-branches)
endif()

# The debugger's names and the asserts stay in every build: a promise broken between our own
# functions must end the program, and not reach a directory.
string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_RELEASE "${CMAKE_C_FLAGS_RELEASE}")
string(REPLACE "-O3" "-O2" CMAKE_C_FLAGS_RELEASE "${CMAKE_C_FLAGS_RELEASE}")

# A program loads what it calls, and not all that the folders below it could.
add_link_options(-Wl,--as-needed)

# libFuzzer follows the edges of what it drives, so the folders must be instrumented too.
if(UNSTAGE_FUZZ)
	add_compile_options(-fsanitize=fuzzer-no-link)
endif()

if(UNSTAGE_SANITIZE)
	add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all
		-fno-omit-frame-pointer -O1 -g)
	add_link_options(-fsanitize=address,undefined)
else()
	add_compile_options(-fstack-protector-strong -fstack-clash-protection -fcf-protection=full)
	add_compile_definitions($<$<CONFIG:Release>:_FORTIFY_SOURCE=3>)
	if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
		add_compile_options(-ftrivial-auto-var-init=zero)
		add_link_options(-Wl,-z,shstk,-z,ibt)
	endif()
	add_link_options(-pie -Wl,-z,relro,-z,now,-z,noexecstack)
endif()
