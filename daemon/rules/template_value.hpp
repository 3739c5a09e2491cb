#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "daemon/model/labels.hpp"

/// The values that templates compute with: those of Go's text/template as far as an alert's template can meet
/// them.
namespace qw::rules {

struct TemplateValue;

/// One element of what `query` returns.
struct QuerySample {
  Labels labels;  ///< with __name__
  double value = 0;
};
using QuerySamplePtr = std::shared_ptr<const QuerySample>;
using QuerySamples = std::vector<QuerySamplePtr>;

/// What `args` makes: arg0, arg1, ...
using TemplateArguments = std::map<std::string, TemplateValue>;

/// What `.` is at the start. Each alert has its own.
struct TemplateData {
  Labels labels;  ///< of the expression's result, with __name__ where it has one
  double value = 0;
  std::shared_ptr<const Labels> external_labels;
  std::string external_url;
};

struct TemplateTime {
  std::int64_t milliseconds = 0;  ///< since the Unix epoch
};
struct TemplateDuration {
  std::int64_t nanoseconds = 0;
};

struct TemplateValue {
  struct Nil {};
  using Variant = std::variant<Nil, bool, std::int64_t, double, std::string, std::shared_ptr<const Labels>,
                               QuerySamplePtr, std::shared_ptr<const QuerySamples>,
                               std::shared_ptr<const TemplateArguments>, std::shared_ptr<const TemplateData>,
                               TemplateTime, TemplateDuration>;
  Variant value;

  TemplateValue() = default;
  template <class T>
    requires(!std::is_same_v<std::remove_cvref_t<T>, TemplateValue>)
  TemplateValue(T&& of) : value(std::forward<T>(of)) {}  // NOLINT(google-explicit-constructor)

  template <class T>
  const T* as() const {
    return std::get_if<T>(&value);
  }
  bool is_nil() const { return std::holds_alternative<Nil>(value); }
};

/// The name of the Go type that Prometheus has there, for messages and %T: "float64", "map[string]string".
std::string_view type_name(const TemplateValue& value);
/// Whether `if` takes it for true: not zero, not empty.
bool is_true(const TemplateValue& value);

}  // namespace qw::rules
