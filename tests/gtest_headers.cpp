// Nothing but a place for GoogleTest's precompiled headers, which the tests share; see CMakeLists.txt.

int main() {}
