/*
 * Microsoft's own types and public vectors, where they lie beside the project. The project stands
 * without them: a test that reads from there skips, and says so, when they are absent.
 */
#pragma once

#define TEST_SHARED TEST_SOURCE "/../shared"
