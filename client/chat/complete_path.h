/* Paths that begin with what is typed, for Tab. */
#pragma once

/*
 * Calls visit with each, spelt from its beginning as it is typed; that of a directory ends in "/".
 * What could not be typed, and what is hidden unless its dot is typed, is left out.
 */
void complete_path_each(const char *typed, void (*visit)(const char *path));
