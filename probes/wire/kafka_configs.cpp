#include "probes/wire/kafka_configs.hpp"

#include <algorithm>

#include "daemon/base/text.hpp"

namespace qw::wire::kafka {
namespace {

constexpr std::int8_t kTopic = 2;
constexpr std::string_view kRetention = "retention.ms";
constexpr std::string_view kCleanup = "cleanup.policy";

void take(std::string_view name, std::string_view value, DescribeConfigsReply::Topic& topic) {
  if (name == kRetention) {
    topic.retention_ms = parse_int64(value);
  } else if (name == kCleanup) {
    const auto policies = split(value, ',');
    const auto has = [&policies](std::string_view policy) {
      return std::ranges::any_of(policies, [policy](std::string_view word) { return trim(word) == policy; });
    };
    topic.deletes = has("delete");
    topic.compacts = has("compact");
  }
}

void read_config(Reader& in, std::int16_t version, DescribeConfigsReply::Topic& topic) {
  const std::string_view name = in.text();
  const auto value = in.nullable_text();
  in.boolean();  // read only
  in.int8();     // where it is set
  in.boolean();  // secret
  for (std::size_t count = in.array(3); count > 0 && in.ok(); --count) {
    in.skip_text();
    in.skip_text();
    in.int8();
    in.skip_tags();
  }
  if (version >= 3) {
    in.int8();       // type
    in.skip_text();  // documentation
  }
  in.skip_tags();
  if (value && in.ok()) take(name, *value, topic);
}

}  // namespace

void DescribeConfigsRequest::write(Writer& out, std::int16_t version) const {
  out.array(topics.size());
  for (const std::string_view topic : topics) {
    out.int8(kTopic);
    out.text(topic);
    out.array(2);
    out.text(kRetention);
    out.text(kCleanup);
    out.no_tags();
  }
  out.boolean(false);                    // the defaults behind a value
  if (version >= 3) out.boolean(false);  // documentation
  out.no_tags();
}

Result<DescribeConfigsReply> DescribeConfigsReply::read(std::string_view body, std::int16_t version,
                                                        std::size_t max_elements) {
  Reader in(body, is_flexible(Api::describe_configs, version), max_elements);
  DescribeConfigsReply reply;
  in.int32();  // throttle time
  for (std::size_t topics = in.array(6); topics > 0 && in.ok(); --topics) {
    Topic& topic = reply.topics.emplace_back();
    topic.error = static_cast<ErrorCode>(in.int16());
    in.skip_text();  // the error in words
    in.int8();       // a topic
    topic.name = in.text();
    for (std::size_t count = in.array(6); count > 0 && in.ok(); --count) read_config(in, version, topic);
    in.skip_tags();
  }
  in.skip_tags();
  const auto end = in.end(print(Api::describe_configs, version));
  if (!end) return std::unexpected(end.error());
  return reply;
}

}  // namespace qw::wire::kafka
