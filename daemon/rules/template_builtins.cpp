// The functions that Go's text/template has by itself.
#include "daemon/rules/template_builtins.hpp"

#include <fmt/format.h>

#include <array>
#include <optional>

#include "daemon/rules/go_format.hpp"

namespace qw::rules {
namespace {

using Arguments = std::span<const TemplateValue>;

enum class Basic : std::uint8_t { boolean, integer, floating, text };

std::optional<Basic> basic_of(const TemplateValue& value) {
  if (value.as<bool>()) return Basic::boolean;
  if (value.as<std::int64_t>()) return Basic::integer;
  if (value.as<double>()) return Basic::floating;
  if (value.as<std::string>()) return Basic::text;
  return std::nullopt;
}

std::unexpected<TemplateCallError> incompatible(const TemplateValue& a, const TemplateValue& b) {
  return call_failure(
      fmt::format("incompatible types for comparison: {} and {}", type_name(a), type_name(b)));
}

std::expected<bool, TemplateCallError> equal(const TemplateValue& a, const TemplateValue& b) {
  if (a.is_nil() || b.is_nil()) return a.is_nil() && b.is_nil();
  const auto left = basic_of(a), right = basic_of(b);
  if (!left) return call_failure(fmt::format("non-comparable type {}: {}", go_print(a), type_name(a)));
  if (!right) return call_failure(fmt::format("non-comparable type {}: {}", go_print(b), type_name(b)));
  if (*left != *right) return incompatible(a, b);
  switch (*left) {
    case Basic::boolean:
      return *a.as<bool>() == *b.as<bool>();
    case Basic::integer:
      return *a.as<std::int64_t>() == *b.as<std::int64_t>();
    case Basic::floating:
      return *a.as<double>() == *b.as<double>();
    case Basic::text:
      break;
  }
  return *a.as<std::string>() == *b.as<std::string>();
}

std::expected<bool, TemplateCallError> less(const TemplateValue& a, const TemplateValue& b) {
  const auto left = basic_of(a), right = basic_of(b);
  if (!left || !right) return call_failure("invalid type for comparison");
  if (*left != *right) return incompatible(a, b);
  switch (*left) {
    case Basic::boolean:
      return call_failure("invalid type for comparison");
    case Basic::integer:
      return *a.as<std::int64_t>() < *b.as<std::int64_t>();
    case Basic::floating:
      return *a.as<double>() < *b.as<double>();
    case Basic::text:
      break;
  }
  return *a.as<std::string>() < *b.as<std::string>();
}

TemplateResult eq(Arguments arguments, const TemplateCall& /*call*/) {
  if (arguments.size() < 2) return call_failure("missing argument for comparison");
  for (const auto& other : arguments.subspan(1)) {
    const auto same = equal(arguments[0], other);
    if (!same) return std::unexpected(same.error());
    if (*same) return true;
  }
  return false;
}
TemplateResult ne(Arguments arguments, const TemplateCall& /*call*/) {
  const auto same = equal(arguments[0], arguments[1]);
  if (!same) return std::unexpected(same.error());
  return !*same;
}
TemplateResult lt(Arguments arguments, const TemplateCall& /*call*/) {
  const auto is_less = less(arguments[0], arguments[1]);
  if (!is_less) return std::unexpected(is_less.error());
  return *is_less;
}
TemplateResult le(Arguments arguments, const TemplateCall& /*call*/) {
  const auto is_less = less(arguments[0], arguments[1]);
  if (!is_less) return std::unexpected(is_less.error());
  if (*is_less) return true;
  const auto same = equal(arguments[0], arguments[1]);
  if (!same) return std::unexpected(same.error());
  return *same;
}
TemplateResult gt(Arguments arguments, const TemplateCall& call) {
  const auto other = le(arguments, call);
  if (!other) return other;
  return !*other->as<bool>();
}
TemplateResult ge(Arguments arguments, const TemplateCall& call) {
  const auto other = lt(arguments, call);
  if (!other) return other;
  return !*other->as<bool>();
}

TemplateResult negate(Arguments arguments, const TemplateCall& /*call*/) {
  return !is_true(arguments[0]);
}

TemplateResult length(Arguments arguments, const TemplateCall& /*call*/) {
  const auto& value = arguments[0];
  const auto size = [](std::size_t of) { return TemplateValue(static_cast<std::int64_t>(of)); };
  if (const auto* text = value.as<std::string>()) return size(text->size());
  if (const auto* labels = value.as<std::shared_ptr<const Labels>>()) return size((*labels)->size());
  if (const auto* samples = value.as<std::shared_ptr<const QuerySamples>>()) return size((*samples)->size());
  if (const auto* of = value.as<std::shared_ptr<const TemplateArguments>>()) return size((*of)->size());
  if (value.is_nil()) return call_failure("len of nil pointer");
  return call_failure(fmt::format("len of type {}", type_name(value)));
}

std::expected<std::size_t, TemplateCallError> index_of(const TemplateValue& value, std::size_t size) {
  const auto* index = value.as<std::int64_t>();
  if (!index) return call_failure(fmt::format("cannot index slice/array with type {}", type_name(value)));
  if (*index < 0 || static_cast<std::size_t>(*index) >= size) {
    return call_failure("reflect: slice index out of range");
  }
  return static_cast<std::size_t>(*index);
}

TemplateResult index_one(const TemplateValue& of, const TemplateValue& by) {
  if (const auto* samples = of.as<std::shared_ptr<const QuerySamples>>()) {
    const auto at = index_of(by, (*samples)->size());
    if (!at) return std::unexpected(at.error());
    return (**samples)[*at];
  }
  if (const auto* text = of.as<std::string>()) {
    const auto at = index_of(by, text->size());
    if (!at) return std::unexpected(at.error());
    return static_cast<std::int64_t>(static_cast<unsigned char>((*text)[*at]));
  }
  const auto* labels = of.as<std::shared_ptr<const Labels>>();
  const auto* arguments = of.as<std::shared_ptr<const TemplateArguments>>();
  if (!labels && !arguments) {
    if (of.is_nil()) return call_failure("index of untyped nil");
    return call_failure(fmt::format("can't index item of type {}", type_name(of)));
  }
  const auto* name = by.as<std::string>();
  if (!name) return call_failure(fmt::format("value has type {}; should be string", type_name(by)));
  if (labels) return std::string((*labels)->get(*name));
  const auto found = (*arguments)->find(*name);
  return found == (*arguments)->end() ? TemplateValue() : found->second;
}

TemplateResult index(Arguments arguments, const TemplateCall& /*call*/) {
  TemplateValue value = arguments[0];
  for (const auto& by : arguments.subspan(1)) {
    auto inner = index_one(value, by);
    if (!inner) return inner;
    value = std::move(*inner);
  }
  return value;
}

TemplateResult slice(Arguments arguments, const TemplateCall& /*call*/) {
  const auto* text = arguments[0].as<std::string>();
  const auto* samples = arguments[0].as<std::shared_ptr<const QuerySamples>>();
  if (!text && !samples) {
    return call_failure(fmt::format("can't slice item of type {}", type_name(arguments[0])));
  }
  if (text && arguments.size() > 3) return call_failure("cannot 3-index slice a string");
  const std::size_t size = text ? text->size() : (*samples)->size();
  std::array<std::size_t, 2> bounds{0, size};
  for (std::size_t i = 1; i < arguments.size() && i < 3; ++i) {
    const auto bound = index_of(arguments[i], size + 1);
    if (!bound) return std::unexpected(bound.error());
    bounds[i - 1] = *bound;
  }
  if (bounds[0] > bounds[1]) {
    return call_failure(fmt::format("invalid slice index: {} > {}", bounds[0], bounds[1]));
  }
  if (text) return text->substr(bounds[0], bounds[1] - bounds[0]);
  return std::make_shared<const QuerySamples>((*samples)->begin() + static_cast<std::ptrdiff_t>(bounds[0]),
                                              (*samples)->begin() + static_cast<std::ptrdiff_t>(bounds[1]));
}

TemplateResult print(Arguments arguments, const TemplateCall& /*call*/) {
  return go_print(arguments);
}
TemplateResult println(Arguments arguments, const TemplateCall& /*call*/) {
  return go_println(arguments);
}
TemplateResult printf(Arguments arguments, const TemplateCall& /*call*/) {
  const auto* format = arguments[0].as<std::string>();
  if (!format) {
    return std::unexpected(
        TemplateCallError{fmt::format("expected string; found {}", go_print(arguments[0])), true});
  }
  return go_printf(*format, arguments.subspan(1));
}

/// What the escaping functions take: fmt.Sprint of all arguments.
std::string text_of(Arguments arguments) {
  if (arguments.size() == 1) return go_print(arguments[0]);
  return go_print(arguments);
}

TemplateResult html(Arguments arguments, const TemplateCall& /*call*/) {
  std::string out;
  for (const char c : text_of(arguments)) {
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
        out += "&#34;";
        break;
      case '\'':
        out += "&#39;";
        break;
      case '\0':
        out += "\xef\xbf\xbd";
        break;
      default:
        out += c;
    }
  }
  return out;
}

TemplateResult js(Arguments arguments, const TemplateCall& /*call*/) {
  std::string out;
  for (const char c : text_of(arguments)) {
    switch (c) {
      case '\\':
        out += "\\\\";
        break;
      case '\'':
        out += "\\'";
        break;
      case '"':
        out += "\\\"";
        break;
      case '<':
        out += "\\u003C";
        break;
      case '>':
        out += "\\u003E";
        break;
      case '&':
        out += "\\u0026";
        break;
      case '=':
        out += "\\u003D";
        break;
      default:
        out += static_cast<unsigned char>(c) < 0x20 ? fmt::format("\\u{:04X}", static_cast<unsigned>(c))
                                                    : std::string(1, c);
    }
  }
  return out;
}

TemplateResult urlquery(Arguments arguments, const TemplateCall& /*call*/) {
  return query_escape(text_of(arguments));
}

TemplateResult call_value(Arguments arguments, const TemplateCall& /*call*/) {
  return call_failure(fmt::format("non-function of type {}", type_name(arguments[0])));
}

}  // namespace

std::unexpected<TemplateCallError> call_failure(std::string message) {
  return std::unexpected(TemplateCallError{std::move(message), false});
}

std::expected<std::string, TemplateCallError> want_string(const TemplateValue& value) {
  if (const auto* text = value.as<std::string>()) return *text;
  return std::unexpected(TemplateCallError{
      fmt::format("wrong type for value; expected string; got {}", type_name(value)), true});
}

std::string query_escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool safe = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '_' || c == '.' || c == '~';
    if (safe) {
      out += c;
    } else if (c == ' ') {
      out += '+';
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

std::span<const TemplateFunctionEntry> go_functions() {
  static constexpr std::array<TemplateFunctionEntry, 17> kAll{{
      {"call", call_value, 1, -1},
      {"eq", eq, 1, -1},
      {"ge", ge, 2, 2},
      {"gt", gt, 2, 2},
      {"html", html, 0, -1},
      {"index", index, 1, -1},
      {"js", js, 0, -1},
      {"le", le, 2, 2},
      {"len", length, 1, 1},
      {"lt", lt, 2, 2},
      {"ne", ne, 2, 2},
      {"not", negate, 1, 1},
      {"print", print, 0, -1},
      {"printf", printf, 1, -1},
      {"println", println, 0, -1},
      {"slice", slice, 1, 4},
      {"urlquery", urlquery, 0, -1},
  }};
  return kAll;
}

}  // namespace qw::rules
