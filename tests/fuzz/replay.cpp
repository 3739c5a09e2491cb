// Runs a fuzz target over every file of its corpus, and over each file's prefixes and single-byte changes, so
// that an ordinary test run exercises the parser's error paths too.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

void run(const std::string& input) {
  // A copy of exact size, so that the address sanitizer sees a read past the end.
  const std::string exact(input);
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(exact.data()), exact.size());
}

void run_with_changes(const std::string& input) {
  run(input);
  const std::size_t step = input.size() / 256 + 1;
  for (std::size_t i = 0; i < input.size(); i += step) {
    run(input.substr(0, i));
    std::string changed = input;
    changed[i] = static_cast<char>(changed[i] ^ static_cast<char>(1 << (i % 8)));
    run(changed);
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t files = 0;
  for (int i = 1; i < argc; ++i) {
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
      std::ifstream in(entry.path(), std::ios::binary);
      run_with_changes(std::string(std::istreambuf_iterator<char>(in), {}));
      ++files;
    }
  }
  std::printf("%zu inputs replayed\n", files);
  return files == 0 ? 1 : 0;
}
