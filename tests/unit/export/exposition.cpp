#include "tests/unit/export/exposition.hpp"

#include <array>
#include <cmath>
#include <cstdlib>

namespace qw::exporting {
namespace {

class Reader {
 public:
  Reader(std::string_view page, bool open_metrics) : rest_(page), open_metrics_(open_metrics) {}

  Exposition read() {
    while (!rest_.empty()) {
      const auto end = rest_.find('\n');
      if (end == std::string_view::npos) {
        problem("no line break at the end");
        break;
      }
      line_ = rest_.substr(0, end);
      rest_.remove_prefix(end + 1);
      if (out_.eof) problem("text after EOF");
      line_.starts_with('#') ? read_comment() : read_sample();
    }
    if (open_metrics_ && !out_.eof) problem("no EOF");
    return std::move(out_);
  }

 private:
  void problem(const std::string& what) { out_.problems.push_back(what + ": " + std::string(line_)); }

  void read_comment() {
    if (line_ == "# EOF") {
      out_.eof = true;
      return;
    }
    for (const std::string_view keyword : {"# HELP ", "# TYPE ", "# UNIT "}) {
      if (!line_.starts_with(keyword)) continue;
      const auto rest = line_.substr(keyword.size());
      const auto blank = rest.find(' ');
      if (blank == std::string_view::npos) return problem("no text");
      const std::string name(rest.substr(0, blank));
      const auto text = rest.substr(blank + 1);
      if (name != family_) begin_family(name);
      auto& family = out_.families[name];
      auto& field = keyword == "# HELP " ? family.help : keyword == "# TYPE " ? family.type : family.unit;
      if (!field.empty()) problem("said twice");
      field = keyword == "# HELP " ? unescaped(text, open_metrics_) : std::string(text);
      if (keyword == "# UNIT " && !name.ends_with("_" + field)) problem("name does not end in its unit");
      return;
    }
    problem("unknown comment");
  }

  void begin_family(const std::string& name) {
    if (out_.families.contains(name)) problem("family comes twice");
    family_ = name;
    out_.order.push_back(name);
  }

  std::string unescaped(std::string_view text, bool quotes) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '"' && quotes) problem("bare quote");
      if (text[i] != '\\') {
        out += text[i];
        continue;
      }
      const char next = ++i < text.size() ? text[i] : '\0';
      if (next == '\\')
        out += '\\';
      else if (next == 'n')
        out += '\n';
      else if (next == '"' && quotes)
        out += '"';
      else
        problem("unknown escape");
    }
    return out;
  }

  void read_sample() {
    ReadSample sample;
    auto at = line_.find_first_of("{ ");
    if (at == std::string_view::npos || at == 0) return problem("no name");
    sample.name = line_.substr(0, at);
    if (line_[at] == '{') {
      do {
        const auto equals = line_.find('=', ++at);
        if (equals == std::string_view::npos || line_[equals + 1] != '"') return problem("no label value");
        auto end = equals + 2;
        while (end < line_.size() && line_[end] != '"') end += line_[end] == '\\' ? 2 : 1;
        const std::string label(line_.substr(at, equals - at));
        const auto text = unescaped(line_.substr(equals + 2, end - equals - 2), true);
        if (!sample.labels.emplace(label, text).second) problem("label twice");
        at = end + 1;
      } while (at < line_.size() && line_[at] == ',');
      if (at + 1 >= line_.size() || line_.substr(at, 2) != "} ") return problem("labels do not end");
      ++at;
    }
    const std::string number(line_.substr(at + 1));
    char* end = nullptr;
    sample.value = std::strtod(number.c_str(), &end);
    if (number.empty() || *end != '\0' || number.front() == ' ') problem("no number");
    const auto suffix = sample.name.starts_with(family_) ? sample.name.substr(family_.size()) : "?";
    if (!std::set<std::string>{"", "_total", "_bucket", "_sum", "_count"}.contains(suffix))
      problem("outside its family");
    const auto& type = out_.families[family_].type;
    if (open_metrics_ && type == "counter" && suffix != "_total") problem("counter without _total");
    if (!seen_.insert({sample.name, sample.labels}).second) problem("series twice");
    out_.samples.push_back(std::move(sample));
  }

  std::string_view rest_, line_;
  bool open_metrics_;
  std::string family_;
  std::set<std::pair<std::string, std::map<std::string, std::string>>> seen_;
  Exposition out_;
};

}  // namespace

double Exposition::value(const std::string& name, const std::map<std::string, std::string>& labels) {
  for (const auto& sample : samples) {
    if (sample.name == name && sample.labels == labels) return sample.value;
  }
  problems.push_back("no sample " + name);
  return std::nan("");
}

Exposition read_exposition(std::string_view page, bool open_metrics) {
  return Reader(page, open_metrics).read();
}

RoundBuilder::RoundBuilder(std::string system, std::string target) : samples_(system, target) {
  round.target = {.system = std::move(system), .name = std::move(target)};
  round.number = 1;
  round.success = true;
}

RoundBuilder& RoundBuilder::add(const MetricFamily& family, double value,
                                std::initializer_list<Samples::Label> labels, std::string_view suffix) {
  samples_.add(family, value, labels, suffix);
  return *this;
}

RoundPtr RoundBuilder::build() {
  round.samples = samples_.take();
  round.layout = samples_.layout();
  return std::make_shared<const Round>(round);
}

store::Snapshot many_series(std::size_t series) {
  static constexpr std::string_view kHelp = "A gauge of the benchmark.";
  static constexpr std::array<MetricFamily, 10> kFamilies{
      {{"quorumwatch_bench_a", MetricType::gauge, kHelp, "member method"},
       {"quorumwatch_bench_b", MetricType::gauge, kHelp, "member method"},
       {"quorumwatch_bench_c", MetricType::gauge, kHelp, "member method"},
       {"quorumwatch_bench_d", MetricType::gauge, kHelp, "member method"},
       {"quorumwatch_bench_e", MetricType::gauge, kHelp, "member method"},
       {"quorumwatch_bench_f", MetricType::gauge, kHelp, "member method"},
       {"quorumwatch_bench_g", MetricType::gauge, kHelp, "member method"},
       {"quorumwatch_bench_h", MetricType::gauge, kHelp, "member method"},
       {"quorumwatch_bench_i", MetricType::gauge, kHelp, "member method"},
       {"quorumwatch_bench_j", MetricType::gauge, kHelp, "member method"}}};
  constexpr std::size_t kPerTarget = 100;
  store::Snapshot snapshot;
  for (std::size_t done = 0; done < series; done += kPerTarget) {
    RoundBuilder target("postgres", "orders-database-" + std::to_string(done / kPerTarget));
    for (std::size_t i = 0; i < kPerTarget; ++i) {
      const auto member = "db-" + std::to_string(i / 10) + ".orders.example.internal:5432";
      target.add(kFamilies[i % 10], 0.000728608 * static_cast<double>(done + i + 1),
                 {{"member", member}, {"method", "tcp_info"}, {"zone", "eu-central-1b"}});
    }
    snapshot.rounds.push_back(target.build());
  }
  return snapshot;
}

}  // namespace qw::exporting
