#include "daemon/rules/template_value.hpp"

namespace qw::rules {

std::string_view type_name(const TemplateValue& value) {
  struct Names {
    std::string_view operator()(const TemplateValue::Nil&) const { return "<nil>"; }
    std::string_view operator()(bool) const { return "bool"; }
    std::string_view operator()(std::int64_t) const { return "int"; }
    std::string_view operator()(double) const { return "float64"; }
    std::string_view operator()(const std::string&) const { return "string"; }
    std::string_view operator()(const std::shared_ptr<const Labels>&) const { return "map[string]string"; }
    std::string_view operator()(const QuerySamplePtr&) const { return "*template.sample"; }
    std::string_view operator()(const std::shared_ptr<const QuerySamples>&) const {
      return "template.queryResult";
    }
    std::string_view operator()(const std::shared_ptr<const TemplateArguments>&) const {
      return "map[string]interface {}";
    }
    std::string_view operator()(const std::shared_ptr<const TemplateData>&) const {
      return "struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string; Value "
             "interface {} }";
    }
    std::string_view operator()(const TemplateTime&) const { return "*time.Time"; }
    std::string_view operator()(const TemplateDuration&) const { return "*time.Duration"; }
  };
  return std::visit(Names(), value.value);
}

bool is_true(const TemplateValue& value) {
  struct Truth {
    bool operator()(const TemplateValue::Nil&) const { return false; }
    bool operator()(bool held) const { return held; }
    bool operator()(std::int64_t held) const { return held != 0; }
    bool operator()(double held) const { return held != 0; }
    bool operator()(const std::string& held) const { return !held.empty(); }
    bool operator()(const std::shared_ptr<const Labels>& held) const { return !held->empty(); }
    bool operator()(const QuerySamplePtr&) const { return true; }
    bool operator()(const std::shared_ptr<const QuerySamples>& held) const { return !held->empty(); }
    bool operator()(const std::shared_ptr<const TemplateArguments>& held) const { return !held->empty(); }
    bool operator()(const std::shared_ptr<const TemplateData>&) const { return true; }
    bool operator()(const TemplateTime&) const { return true; }
    bool operator()(const TemplateDuration&) const { return true; }
  };
  return std::visit(Truth(), value.value);
}

}  // namespace qw::rules
