#pragma once
#include <expected>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/base/error.hpp"
#include "daemon/rules/template_value.hpp"

namespace qw::rules {

struct TemplateTree;

/// Where a template is wrong: a byte in its text.
struct TemplateError {
  std::size_t offset = 0;
  std::string message;
};

/// What a template may ask while it is expanded.
struct TemplateContext {
  std::string_view alert;  ///< the rule's name, for messages
  std::int64_t at = 0;     ///< milliseconds since the epoch; what `now` says
  /// Runs an instant query. Empty: every query fails.
  std::function<Result<QuerySamples>(const std::string& expression)> query;
};

/// The text of a label or an annotation: Go's text/template with Prometheus' functions and variables
/// ($labels, $value, $externalLabels, $externalURL), missingkey=zero. Parsed once; cheap to copy.
class Template {
 public:
  Template() = default;
  static std::expected<Template, TemplateError> parse(std::string_view text);
  /// A text that stands for itself, braces and all.
  static Template plain(std::string_view text);

  /// Errors say what Prometheus would: "template: __alert_X:1:120: executing ...".
  Result<std::string> expand(const std::shared_ptr<const TemplateData>& data,
                             const TemplateContext& context) const;

  const std::string& text() const { return text_; }
  /// Labels that it takes from $labels by name, with their places: what a rule check compares with the
  /// expression.
  struct LabelUse {
    std::string label;
    std::size_t offset = 0;
  };
  std::vector<LabelUse> labels_used() const;
  /// Whether it calls `query`.
  bool queries() const;
  /// Whether it has no action at all.
  bool is_plain() const { return !tree_; }
  /// Whether the labels and the value are all that its text can depend on: it neither queries nor asks for
  /// the time.
  bool is_pure() const { return !calls("query") && !calls("now"); }

 private:
  bool calls(std::string_view function) const;

  std::string text_;
  std::shared_ptr<const TemplateTree> tree_;  ///< null when the text has no action
};

}  // namespace qw::rules
