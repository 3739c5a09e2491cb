#include "daemon/rules/template.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "daemon/rules/go_format.hpp"

namespace qw::rules {
namespace {

std::shared_ptr<const TemplateData> data(double value = 1.5) {
  auto out = std::make_shared<TemplateData>();
  out->labels = {{"__name__", "m"}, {"a", "1"}, {"b", "2"}};
  out->value = value;
  out->external_labels = std::make_shared<const Labels>(Labels{{"region", "eu"}});
  out->external_url = "http://prom:9090/sub";
  return out;
}

Result<QuerySamples> answers(const std::string& query) {
  if (query == "bad") return fail(ErrorKind::rejected, "bad query");
  if (query == "none") return QuerySamples{};
  return QuerySamples{std::make_shared<const QuerySample>(QuerySample{{{"id", "b"}, {"x", "1"}}, 2}),
                      std::make_shared<const QuerySample>(QuerySample{{{"id", "a"}, {"x", "2"}}, 1.5})};
}

/// The text, or what is wrong.
std::string expand(std::string_view text, double value = 1.5) {
  const auto parsed = Template::parse(text);
  if (!parsed) return "PARSE " + parsed.error().message;
  const TemplateContext context{.alert = "X", .at = 1643114203500, .query = answers};
  const auto made = parsed->expand(data(value), context);
  return made ? *made : "EXEC " + made.error().message();
}

// The right-hand sides here and below were printed by Go 1.26.
TEST(Template, PrintsValuesAsGo) {
  EXPECT_EQ(expand("{{ $labels }}|{{ $value }}|{{ $labels.nope }}|{{ .Value }}|{{ $labels.a }}{{.Labels.b}}"),
            "map[__name__:m a:1 b:2]|1.5||1.5|12");
  EXPECT_EQ(expand("{{ $externalLabels.region }} {{ $externalURL }} {{ externalURL }} {{ pathPrefix }}"),
            "eu http://prom:9090/sub http://prom:9090/sub /sub");
  const std::vector<std::pair<double, std::string>> floats{{1, "1"},
                                                           {100000, "100000"},
                                                           {1000000, "1e+06"},
                                                           {123456789, "1.23456789e+08"},
                                                           {0.00001, "1e-05"},
                                                           {9.730000019073486, "9.730000019073486"},
                                                           {-0.5, "-0.5"},
                                                           {1e21, "1e+21"},
                                                           {0.0001, "0.0001"},
                                                           {std::numeric_limits<double>::infinity(), "+Inf"},
                                                           {-std::numeric_limits<double>::infinity(), "-Inf"},
                                                           {std::nan(""), "NaN"},
                                                           {1e-300, "1e-300"},
                                                           {0, "0"}};
  for (const auto& [value, text] : floats) EXPECT_EQ(expand("{{ $value }}", value), text);
  EXPECT_EQ(expand("{{ 1.0 }} {{1e6}} {{1e21}} {{0x10}} {{'a'}} {{1_000}} {{ true }}"),
            "1 1e+06 1e+21 16 97 1000 true");
}

TEST(Template, PrintfIsThatOfGo) {
  EXPECT_EQ(
      expand(
          R"({{printf "%d %v %s %5.1f|%-8s|%08.3f|%+d|%x|%q|%t|%d|%s" 1 2.5 "s" 3.14159 "ab" 3.14159 5 255 "q" true "no" 4.5}})"),
      "1 2.5 s   3.1|ab      |0003.142|+5|ff|\"q\"|true|%!d(string=no)|%!s(float64=4.5)");
  EXPECT_EQ(expand(R"({{printf "%d"}}{{printf "%d" 1 2}} {{print 1 2 "a" "b" 3 4.0}} {{println "x" 1}})"),
            "%!d(MISSING)1%!(EXTRA int=2) 1 2ab3 4 x 1\n");
  EXPECT_EQ(
      expand(
          R"({{ printf "%s" .Value }}{{printf "%d" .Value}}{{printf "%.3s|%x|%X|% x|%c|%U|%b|%o|%e|%G" "abcdef" "hi" 255 "hi" 65 65 5 8 12345.678 1e-10}})"),
      "%!s(float64=1.5)%!d(float64=1.5)abc|6869|FF|68 69|A|U+0041|101|10|1.234568e+04|1E-10");
  EXPECT_EQ(
      expand(R"({{ printf "%[2]d %[1]d" 1 2 }}{{ printf "%*d" 5 1 }}{{ printf "%!" }}{{ printf "%z" 1 }})"),
      "2 1    1%!!(MISSING)%!z(int=1)");
  EXPECT_EQ(
      expand(
          R"({{ printf "%t" 1 }}{{ printf "%f" 3}}{{ printf "%.0f" 2.5 }}{{ printf "%v" 100000000.0}} {{printf "%g" 1e20}} {{printf "%6v|%-6v|" 1.5 "a"}} {{printf "%06d" -42}} {{printf "%x" -42}} {{ printf "%+.2e" 12345.678}} {{ printf "% d" 42}} {{printf "%q" 65}} {{printf "%#x" 255}} {{printf "%5t" true}})"),
      "%!t(int=1)%!f(int=3)21e+08 1e+20    1.5|a     | -00042 -2a +1.23e+04  42 'A' 0xff  true");
  EXPECT_EQ(expand(R"({{ printf "%05s|%-05d|%+q|%x" "ab" 3 "é" 1.5 }} {{ printf "%s %v" nil nil }})"),
            "000ab|3    |\"\\u00e9\"|0x1.8p+00 %!s(<nil>) <nil>");
  EXPECT_EQ(expand(R"({{ printf "%s %#v %T" $externalLabels $externalLabels $value }})"),
            "map[region:eu] map[string]string{\"region\":\"eu\"} float64");
}

TEST(Template, ControlsFlowAsGo) {
  EXPECT_EQ(expand("{{range $k,$v := $labels}}{{$k}}={{$v}};{{end}}"), "__name__=m;a=1;b=2;");
  EXPECT_EQ(expand("{{range 3}}{{.}}{{end}}"), "012");
  EXPECT_EQ(expand("a {{- /* c */ -}} b"), "ab");
  EXPECT_EQ(expand("a  {{- 1 -}}  b {{ -3 }}"), "a1b -3");
  EXPECT_EQ(expand(R"({{ if eq $labels.a "1" }}yes{{else if true}}no{{end}})"), "yes");
  EXPECT_EQ(expand(R"({{ if eq $labels.a "2" }}yes{{else if eq $labels.b "2"}}no{{else}}x{{end}})"), "no");
  EXPECT_EQ(expand(R"({{with $y := $labels.a}}{{$y}}{{end}}{{with $labels.q}}q{{else}}-{{end}})"), "1-");
  EXPECT_EQ(expand("{{ $x := 1 }}{{ range 3 }}{{ $x = . }}{{ end }}{{ $x }}"), "2");
  EXPECT_EQ(expand("{{range 5}}{{if eq . 1}}{{continue}}{{end}}{{if eq . 3}}{{break}}{{end}}{{.}}{{end}}"),
            "02");
  EXPECT_EQ(expand(R"({{ define "T" }}<{{.}}>{{end}}{{template "T" 3}}{{ and 1 0 }}{{or "" "b"}}{{not 1}})"),
            "<3>0bfalse");
  EXPECT_EQ(
      expand(
          R"({{ define "T" }}{{.arg0}}-{{.arg1}}-{{.arg2}}{{end}}{{template "T" (args "foo" 9)}}|{{ tmpl "T" (args 1 2 3) }})"),
      "foo-9-<no value>|1-2-3");
  EXPECT_EQ(
      expand(
          R"({{ "a" | printf "%s-%s" "b" }} {{ len $labels }} {{ index $labels "a" }}{{ slice "abcdef" 1 3 }})"),
      "b-a 3 1bc");
  EXPECT_EQ(
      expand(
          R"({{html "<a>"}}{{js "it's"}}{{urlquery "a b&c"}} {{ gt 2.5 1.5 }} {{ eq 1 1 2 }} {{ lt 1 2 }})"),
      "&lt;a&gt;it\\'sa+b%26c true true true");
}

TEST(Template, AsksQueries) {
  EXPECT_EQ(
      expand(
          R"({{ with query "x" }}first_id:{{ . | sortByLabel "id" | first | label "id"}},{{ range $v := sortByLabel "id" .}}{{ . | label "id" }}:{{ . | value }},{{end}}{{end}})"),
      "first_id:a,a:1.5,b:2,");
  EXPECT_EQ(expand(R"({{ range query "none" }}x{{ else }}nothing{{ end }})"), "nothing");
  EXPECT_EQ(expand(R"({{ query "none" | first }})"),
            "EXEC error executing template __alert_X: template: __alert_X:1:130: executing \"__alert_X\" at "
            "<first>: "
            "error calling first: first() called on vector with no elements");
}

TEST(Template, HasTheFunctionsOfPrometheus) {
  EXPECT_EQ(expand("{{humanize 1048576}} {{humanize1024 1048576}} {{humanizeDuration 135.3563}} "
                   "{{humanizePercentage 0.959}} {{humanizeTimestamp 1643114203}}"),
            "1.049M 1Mi 2m 15s 95.9% 2022-01-25 12:36:43 +0000 UTC");
  EXPECT_EQ(
      expand(
          R"({{title "this part"}} {{toUpper "is testing"}} {{toLower "THE STRINGS"}}. {{ stripPort "[::1]:6006"}} {{ stripPort "127.0.0.1:4004"}}. {{parseDuration "2h10m15s"}}.)"),
      "This Part IS TESTING the strings. ::1 127.0.0.1. 7815.");
  EXPECT_EQ(
      expand(
          R"({{if match "[0-9]+" "1234"}}{{reReplaceAll "r.*d" "replaced" "rpld text"}}{{end}}. {{if match "[0-9]+$" "1234a"}}WRONG{{end}}.)"),
      "replaced text. .");
  EXPECT_EQ(
      expand(
          R"({{ "43200" | humanizeDuration }} {{ humanizeDuration 0.0123 }} {{ humanizeDuration 93784 }} {{humanizeDuration 0}} {{ humanizeDuration -65 }})"),
      "12h 0m 0s 12.3ms 1d 2h 3m 4s 0s -1m 5s");
  EXPECT_EQ(
      expand(
          R"({{ humanize 0.00012 }} {{ humanize 0 }} {{ humanize 1234567 }} {{ humanize1024 0.5 }} {{ humanize "12.5" }})"),
      "120u 0 1.235M 0.5 12.5");
  EXPECT_EQ(
      expand(
          R"({{ stripDomain "a.example.org:80" }} {{ stripDomain "10.0.0.1:80" }} {{ tableLink "up == 0" }})"),
      "a:80 10.0.0.1:80 /graph?g0.expr=up+%3D%3D+0&g0.tab=1");
  EXPECT_EQ(expand("{{ now }} {{ toTime 1643114203.5 }} {{ toDuration 3605.25 }}"),
            "1.6431142035e+09 2022-01-25 12:36:43.5 +0000 UTC 1h0m5.25s");
}

TEST(Template, SaysWhatIsWrongInTheWordsOfGo) {
  EXPECT_EQ(expand("{{eq 1 1.0}}"),
            "EXEC error executing template __alert_X: template: __alert_X:1:114: executing \"__alert_X\" at "
            "<eq 1 1.0>: "
            "error calling eq: incompatible types for comparison: int and float64");
  EXPECT_EQ(expand("{{nofunc 1}}"), "PARSE function \"nofunc\" not defined");
  EXPECT_EQ(expand("{{if}}x{{end}}"), "PARSE missing value for if");
  EXPECT_EQ(expand("{{ $label.foo }}"), "PARSE undefined variable \"$label\"");
  EXPECT_EQ(expand("{{ .M.a"), "PARSE unclosed action");
  EXPECT_EQ(expand("{{ \"abc }}"), "PARSE unterminated quoted string");
  EXPECT_EQ(expand("{{ end }}"), "PARSE unexpected {{end}}");
  EXPECT_EQ(expand("{{ break }}"), "PARSE {{break}} outside {{range}}");
  EXPECT_EQ(expand("{{ 3 | 4 }}"), "PARSE non executable command in pipeline stage 2");
  EXPECT_EQ(expand("{{ 'ab' }}"), "PARSE malformed character constant: 'ab'");
  EXPECT_EQ(expand("{{ ( }}"), "PARSE unclosed left paren");
  EXPECT_EQ(expand("{{ ) }}"), "PARSE unexpected right paren");
  EXPECT_TRUE(
      expand("{{ printf \"%v\" and }}").contains("wrong number of args for and: want at least 1 got 0"));
  EXPECT_TRUE(expand("{{ .Foo }}").contains("can't evaluate field Foo in type struct"));
  EXPECT_TRUE(expand("{{ printf 3 }}").contains("expected string; found 3"));
  EXPECT_TRUE(expand("{{ humanize true }}").contains("error calling humanize: can't convert bool to float"));
  EXPECT_TRUE(expand(R"({{ range "ab" }}{{end}})").contains("range can't iterate over ab"));
}

TEST(Template, IsBounded) {
  EXPECT_TRUE(expand("{{ range 1000000000 }}{{ end }}").contains("steps"));
  EXPECT_TRUE(
      expand("{{ define \"T\" }}{{ template \"T\" }}{{ end }}{{ template \"T\" }}").contains("depth"));
  EXPECT_TRUE(expand("{{ range 20000 }}{{ printf \"%1000d\" 1 }}{{ end }}").contains("larger than"));
  EXPECT_TRUE(
      expand("{{" + std::string(200, '(') + "1" + std::string(200, ')') + "}}").contains("nested deeper"));
}

TEST(Template, KnowsTheLabelsItUses) {
  const auto parsed = Template::parse("{{ $labels.a }} {{ .Labels.b }} {{ if $labels.c }}{{ end }}");
  ASSERT_TRUE(parsed);
  std::vector<std::string> names;
  for (const auto& use : parsed->labels_used()) names.push_back(use.label);
  EXPECT_EQ(names, (std::vector<std::string>{"a", "b", "c"}));
}

}  // namespace
}  // namespace qw::rules
