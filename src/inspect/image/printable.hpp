// Makes text of a target fit for a terminal: names and command lines may carry escape sequences, and bytes that are
// no text. Called where such text is read, so that whatever the readers give can be printed.
#pragma once

#include <string>

namespace smallblock::inspect {

// The same, with a point for each control character (C0, DEL, C1), each that turns the order of the text, and each
// byte that is no UTF-8.
std::string printable(const std::string& text);

}  // namespace smallblock::inspect
