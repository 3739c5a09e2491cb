// Any bytes as a PromQL text: the lexer ends, and its tokens stand one behind the other within the text.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "daemon/promql/lexer.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using qw::promql::TokenKind;
  qw::promql::Lexer lexer({reinterpret_cast<const char*>(data), size});
  std::size_t last_end = 0;
  for (std::size_t count = 0; count <= size; ++count) {
    const auto token = lexer.next();
    if (token.kind == TokenKind::error || token.kind == TokenKind::end) return 0;
    if (token.span.begin < last_end || token.span.end <= token.span.begin || token.span.end > size)
      std::abort();
    if (describe(token).empty()) std::abort();
    last_end = token.span.end;
  }
  std::abort();  // more tokens than bytes
}
