#include "daemon/status/html.hpp"

#include <algorithm>

#include "daemon/base/text.hpp"

namespace qw::status {
namespace {

constexpr std::string_view kEllipsis = "\xE2\x80\xA6";

bool is_plain(char c) {
  return c >= ' ' && c <= '~';
}

void append_escaped(std::string& out, std::string_view clean) {
  for (const char c : clean) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
}

/// Cut before it is cleaned: a text of megabytes costs no more than a short one.
void append_text(std::string& out, std::string_view text, std::size_t max_bytes) {
  if (text.size() <= max_bytes && std::ranges::all_of(text, is_plain)) return append_escaped(out, text);
  // A character of four bytes may be cut in two here, and is cut off as a whole by sanitize().
  const bool cut = text.size() > max_bytes;
  append_escaped(out, sanitize(text.substr(0, max_bytes + 4), max_bytes));
  if (cut) out += kEllipsis;
}

}  // namespace

std::string escaped(std::string_view text, std::size_t max_bytes) {
  std::string out;
  append_text(out, text, max_bytes);
  return out;
}

Html::Element::~Element() {
  if (html_ == nullptr) return;
  html_->out_ += "</";
  html_->out_ += tag_.view();
  html_->out_ += '>';
}

Html::Element Html::in(Literal tag, Attributes attributes) {
  open(tag, attributes);
  return {*this, tag};
}

void Html::leaf(Literal tag, Attributes attributes, std::string_view text) {
  const auto element = in(tag, attributes);
  append_text(out_, text, kMaxText);
}

void Html::lone(Literal tag, Attributes attributes) {
  open(tag, attributes);
}

void Html::text(std::string_view text) {
  append_text(out_, text, kMaxText);
}

void Html::doctype() {
  out_ += "<!DOCTYPE html>";
}

void Html::open(Literal tag, Attributes attributes) {
  out_ += '<';
  out_ += tag.view();
  for (const auto& [name, value] : attributes) {
    out_ += ' ';
    out_ += name.view();
    if (value.empty()) continue;
    out_ += "=\"";
    append_text(out_, value, 4 * kMaxText);
    out_ += '"';
  }
  out_ += '>';
}

}  // namespace qw::status
