// fmt.Sprintf for the values that templates have.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <optional>

#include "daemon/base/utf8.hpp"
#include "daemon/rules/go_format.hpp"

namespace qw::rules {
namespace {

/// Go's own limit is a million; nobody needs more than this, and a template may come from anywhere.
constexpr int kMaxWidth = 10'000;

struct Spec {
  bool sharp = false, zero = false, plus = false, minus = false, space = false;
  std::optional<int> width, precision;
  char32_t verb = 0;
  std::string verb_text;
};

std::size_t count_characters(std::string_view text) {
  std::size_t count = 0;
  for (; !text.empty(); ++count) text.remove_prefix(next_code_point(text).size);
  return count;
}

std::string encode(char32_t code) {
  std::string out;
  const auto c = static_cast<std::uint32_t>(code);
  const auto add = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (c < 0x80) {
    add(c);
  } else if (c < 0x800) {
    add(0xc0 | (c >> 6));
    add(0x80 | (c & 0x3f));
  } else if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) {
    return "\xef\xbf\xbd";
  } else if (c < 0x10000) {
    add(0xe0 | (c >> 12));
    add(0x80 | ((c >> 6) & 0x3f));
    add(0x80 | (c & 0x3f));
  } else {
    add(0xf0 | (c >> 18));
    add(0x80 | ((c >> 12) & 0x3f));
    add(0x80 | ((c >> 6) & 0x3f));
    add(0x80 | (c & 0x3f));
  }
  return out;
}

std::string pad(const Spec& spec, std::string text, bool zeros) {
  const auto width = static_cast<std::size_t>(spec.width.value_or(0));
  const auto count = count_characters(text);
  if (count >= width) return text;
  if (spec.minus) return text + std::string(width - count, ' ');
  return std::string(width - count, zeros ? '0' : ' ') + text;
}
std::string pad(const Spec& spec, std::string text) {
  return pad(spec, std::move(text), spec.zero);
}

std::string upper(std::string text) {
  for (auto& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

std::string format_integer(const Spec& spec, std::int64_t value, int base, bool capitals) {
  const bool negative = value < 0;
  const auto magnitude = negative ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
  std::string digits(64, '\0');
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), magnitude, base).ptr;
  digits.resize(static_cast<std::size_t>(end - digits.data()));
  if (capitals) digits = upper(std::move(digits));
  std::string sign = negative ? "-" : spec.plus ? "+" : spec.space ? " " : "";
  if (spec.sharp && base == 16) sign += capitals ? "0X" : "0x";
  if (spec.sharp && base == 8) sign += "0";
  if (spec.sharp && base == 2) sign += "0b";
  std::size_t least = 0;
  if (spec.precision) {
    least = static_cast<std::size_t>(*spec.precision);
    if (least == 0 && value == 0) return pad(spec, "", false);
  } else if (spec.zero && !spec.minus && spec.width) {
    const auto width = static_cast<std::size_t>(*spec.width);
    least = width - std::min(width, sign.size());
  }
  if (digits.size() < least) digits.insert(0, least - digits.size(), '0');
  return pad(spec, sign + digits, false);
}

/// "0x1.8p+00": C's %a with at least two digits of exponent.
std::string hexadecimal(double value, int precision) {
  char text[1200];
  const int size = precision < 0 ? std::snprintf(text, sizeof text, "%a", value)
                                 : std::snprintf(text, sizeof text, "%.*a", std::min(precision, 1000), value);
  std::string out(text, static_cast<std::size_t>(size));
  if (const auto p = out.find('p'); p != std::string::npos && out.size() - p == 3) out.insert(p + 2, "0");
  return out;
}

std::string format_float(const Spec& spec, double value, char verb, int precision) {
  if (spec.precision) precision = *spec.precision;
  std::string text;
  if (verb == 'x' && std::isfinite(value)) {
    text = hexadecimal(value, precision);
  } else {
    text = go_float(value, verb == 'x' ? 'g' : verb, precision);
  }
  std::string sign;
  if (text.starts_with('-') || text.starts_with('+')) {
    sign = text.substr(0, 1);
    text.erase(0, 1);
  }
  if (sign.empty() && spec.plus) sign = "+";
  if (sign.empty() && spec.space) sign = " ";
  if (sign == "+" && !spec.plus && !std::isinf(value)) sign.clear();
  const bool zeros = spec.zero && !spec.minus && std::isfinite(value);
  if (zeros && spec.width) {
    const auto size = sign.size() + text.size();
    const auto width = static_cast<std::size_t>(*spec.width);
    if (size < width) text.insert(0, width - size, '0');
  }
  return pad(spec, sign + text, false);
}

std::string hex_of(const Spec& spec, std::string_view text, bool capitals) {
  std::string out;
  for (const char c : text) {
    if (spec.space && !out.empty()) out += ' ';
    if (spec.sharp && (out.empty() || spec.space)) out += "0x";
    out += fmt::format("{:02x}", static_cast<unsigned char>(c));
  }
  return pad(spec, capitals ? upper(std::move(out)) : out);
}

std::string cut(const Spec& spec, std::string_view text) {
  if (!spec.precision) return std::string(text);
  std::string_view rest = text;
  for (int i = 0; i < *spec.precision && !rest.empty(); ++i) rest.remove_prefix(next_code_point(rest).size);
  return std::string(text.substr(0, text.size() - rest.size()));
}

class Formatter {
 public:
  explicit Formatter(const Spec& spec) : spec_(spec) {}

  std::string operator()(const TemplateValue::Nil&) const {
    if (spec_.verb == 'v') return pad(spec_, "<nil>");
    return "%!" + spec_.verb_text + "(<nil>)";
  }
  std::string operator()(bool value) const {
    if (spec_.verb == 't' || spec_.verb == 'v') return pad(spec_, value ? "true" : "false");
    return bad(value);
  }
  std::string operator()(std::int64_t value) const {
    switch (spec_.verb) {
      case 'v':
      case 'd':
        return format_integer(spec_, value, 10, false);
      case 'b':
        return format_integer(spec_, value, 2, false);
      case 'o':
        return format_integer(spec_, value, 8, false);
      case 'x':
        return format_integer(spec_, value, 16, false);
      case 'X':
        return format_integer(spec_, value, 16, true);
      case 'c':
        return pad(spec_, encode(static_cast<char32_t>(std::clamp<std::int64_t>(value, 0, 0x110000))));
      case 'q':
        return pad(spec_,
                   "'" + encode(static_cast<char32_t>(std::clamp<std::int64_t>(value, 0, 0x110000))) + "'");
      case 'U':
        return pad(spec_, fmt::format("U+{:04X}", static_cast<std::uint64_t>(value)));
      default:
        return bad(value);
    }
  }
  std::string operator()(double value) const {
    switch (spec_.verb) {
      case 'v':
      case 'g':
        return format_float(spec_, value, 'g', -1);
      case 'G':
        return upper_float(value, 'g', -1);
      case 'e':
        return format_float(spec_, value, 'e', 6);
      case 'E':
        return upper_float(value, 'e', 6);
      case 'f':
      case 'F':
        return format_float(spec_, value, 'f', 6);
      case 'x':
        return format_float(spec_, value, 'x', -1);
      case 'X':
        return upper_float(value, 'x', -1);
      default:
        return bad(value);
    }
  }
  std::string operator()(const std::string& value) const {
    switch (spec_.verb) {
      case 'v':
        return pad(spec_, spec_.sharp ? go_quote(value) : cut(spec_, value));
      case 's':
        return pad(spec_, cut(spec_, value));
      case 'q':
        return pad(spec_, go_quote(cut(spec_, value), spec_.plus));
      case 'x':
        return hex_of(spec_, cut(spec_, value), false);
      case 'X':
        return hex_of(spec_, cut(spec_, value), true);
      default:
        return bad(value);
    }
  }
  std::string operator()(const std::shared_ptr<const Labels>& value) const {
    if (spec_.verb == 'v' && spec_.sharp) {
      std::string out = "map[string]string{";
      for (const auto& [name, of] : *value) {
        if (out.back() != '{') out += ", ";
        out += go_quote(name) + ":" + go_quote(of);
      }
      return out + "}";
    }
    std::string out = "map[";
    for (const auto& [name, of] : *value) {
      if (out.size() > 4) out += ' ';
      out += operator()(name) + ":" + operator()(of);
    }
    return out + "]";
  }
  /// What else there is prints the same whatever the flags.
  template <class T>
  std::string operator()(const T& value) const {
    if (spec_.verb == 'v' || spec_.verb == 's') return pad(spec_, go_print(TemplateValue(value)));
    return bad(value);
  }

 private:
  template <class T>
  std::string bad(const T& value) const {
    Spec as_value = spec_;
    as_value.verb = 'v';
    return fmt::format("%!{}({}={})", spec_.verb_text, type_name(TemplateValue(value)),
                       Formatter(as_value)(value));
  }
  std::string upper_float(double value, char verb, int precision) const {
    if (!std::isfinite(value)) return format_float(spec_, value, verb, precision);
    return upper(format_float(spec_, value, verb, precision));
  }
  const Spec& spec_;
};

/// Walks over the format.
class Printf {
 public:
  Printf(std::string_view format, std::span<const TemplateValue> values) : rest_(format), values_(values) {}

  std::string run() {
    while (!rest_.empty()) {
      const auto percent = rest_.find('%');
      out_ += rest_.substr(0, percent);
      if (percent == std::string_view::npos) break;
      rest_.remove_prefix(percent + 1);
      one();
    }
    add_extra();
    return std::move(out_);
  }

 private:
  void one() {
    Spec spec;
    good_index_ = true;
    flags(spec);
    index();
    width(spec);
    if (!rest_.empty() && rest_.front() == '.') {
      rest_.remove_prefix(1);
      index();
      precision(spec);
    }
    index();
    if (rest_.empty()) {
      out_ += "%!(NOVERB)";
      return;
    }
    const auto point = next_code_point(rest_);
    spec.verb = point.value;
    spec.verb_text = std::string(rest_.substr(0, point.size));
    rest_.remove_prefix(point.size);
    if (spec.verb == '%') {
      out_ += '%';
    } else if (!good_index_) {
      out_ += "%!" + spec.verb_text + "(BADINDEX)";
    } else if (next_ >= values_.size()) {
      out_ += "%!" + spec.verb_text + "(MISSING)";
    } else {
      const auto& value = values_[next_++];
      out_ += spec.verb == 'T' ? pad(spec, std::string(type_name(value)))
                               : std::visit(Formatter(spec), value.value);
    }
  }

  void flags(Spec& spec) {
    for (; !rest_.empty(); rest_.remove_prefix(1)) {
      switch (rest_.front()) {
        case '#':
          spec.sharp = true;
          break;
        case '0':
          spec.zero = true;
          break;
        case '+':
          spec.plus = true;
          break;
        case '-':
          spec.minus = true;
          break;
        case ' ':
          spec.space = true;
          break;
        default:
          return;
      }
    }
  }

  std::optional<int> number() {
    int value = 0;
    bool any = false;
    while (!rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9') {
      value = std::min(value * 10 + (rest_.front() - '0'), kMaxWidth);
      any = true;
      rest_.remove_prefix(1);
    }
    return any ? std::optional(value) : std::nullopt;
  }

  /// "[2]" chooses the argument.
  void index() {
    if (rest_.empty() || rest_.front() != '[') return;
    reordered_ = true;
    const auto close = rest_.find(']');
    if (close == std::string_view::npos) {
      good_index_ = false;
      rest_.remove_prefix(1);
      return;
    }
    std::size_t wanted = 0;
    const auto inner = rest_.substr(1, close - 1);
    const auto read = std::from_chars(inner.data(), inner.data() + inner.size(), wanted);
    const bool good = read.ec == std::errc() && read.ptr == inner.data() + inner.size() && wanted >= 1 &&
                      wanted <= values_.size();
    good_index_ = good_index_ && good;
    if (good) next_ = wanted - 1;
    rest_.remove_prefix(close + 1);
  }

  std::optional<int> from_argument(std::string_view complaint) {
    rest_.remove_prefix(1);
    const auto* value = next_ < values_.size() ? values_[next_].as<std::int64_t>() : nullptr;
    if (next_ < values_.size()) ++next_;
    if (value && std::abs(static_cast<double>(*value)) <= kMaxWidth) return static_cast<int>(*value);
    out_ += complaint;
    return std::nullopt;
  }

  void width(Spec& spec) {
    if (!rest_.empty() && rest_.front() == '*') {
      spec.width = from_argument("%!(BADWIDTH)");
      if (spec.width && *spec.width < 0) {
        spec.width = -*spec.width;
        spec.minus = true;
      }
      index();
      return;
    }
    spec.width = number();
  }

  void precision(Spec& spec) {
    if (!rest_.empty() && rest_.front() == '*') {
      spec.precision = from_argument("%!(BADPREC)");
      if (spec.precision && *spec.precision < 0) spec.precision = std::nullopt;
      return;
    }
    spec.precision = number().value_or(0);
  }

  void add_extra() {
    if (reordered_ || next_ >= values_.size()) return;
    out_ += "%!(EXTRA ";
    for (std::size_t i = next_; i < values_.size(); ++i) {
      if (i > next_) out_ += ", ";
      if (values_[i].is_nil()) {
        out_ += "<nil>";
      } else {
        out_ += std::string(type_name(values_[i])) + "=" + go_print(values_[i]);
      }
    }
    out_ += ')';
  }

  std::string_view rest_;
  std::span<const TemplateValue> values_;
  std::size_t next_ = 0;
  bool good_index_ = true;
  bool reordered_ = false;
  std::string out_;
};

}  // namespace

std::string go_printf(std::string_view format, std::span<const TemplateValue> values) {
  return Printf(format, values).run();
}

}  // namespace qw::rules
