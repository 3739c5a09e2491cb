#include "probes/wire/kafka_error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace qw::wire::kafka {
namespace {

struct Named {
  ErrorCode code;
  std::string_view name;
};

constexpr Named kNames[] = {
    {ErrorCode::unknown_server_error, "UNKNOWN_SERVER_ERROR"},
    {ErrorCode::none, "NONE"},
    {ErrorCode::offset_out_of_range, "OFFSET_OUT_OF_RANGE"},
    {ErrorCode::unknown_topic_or_partition, "UNKNOWN_TOPIC_OR_PARTITION"},
    {ErrorCode::leader_not_available, "LEADER_NOT_AVAILABLE"},
    {ErrorCode::not_leader_or_follower, "NOT_LEADER_OR_FOLLOWER"},
    {ErrorCode::request_timed_out, "REQUEST_TIMED_OUT"},
    {ErrorCode::broker_not_available, "BROKER_NOT_AVAILABLE"},
    {ErrorCode::replica_not_available, "REPLICA_NOT_AVAILABLE"},
    {ErrorCode::network_exception, "NETWORK_EXCEPTION"},
    {ErrorCode::coordinator_load_in_progress, "COORDINATOR_LOAD_IN_PROGRESS"},
    {ErrorCode::coordinator_not_available, "COORDINATOR_NOT_AVAILABLE"},
    {ErrorCode::not_coordinator, "NOT_COORDINATOR"},
    {ErrorCode::invalid_topic, "INVALID_TOPIC_EXCEPTION"},
    {ErrorCode::invalid_group_id, "INVALID_GROUP_ID"},
    {ErrorCode::topic_authorization_failed, "TOPIC_AUTHORIZATION_FAILED"},
    {ErrorCode::group_authorization_failed, "GROUP_AUTHORIZATION_FAILED"},
    {ErrorCode::cluster_authorization_failed, "CLUSTER_AUTHORIZATION_FAILED"},
    {ErrorCode::unsupported_sasl_mechanism, "UNSUPPORTED_SASL_MECHANISM"},
    {ErrorCode::illegal_sasl_state, "ILLEGAL_SASL_STATE"},
    {ErrorCode::unsupported_version, "UNSUPPORTED_VERSION"},
    {ErrorCode::not_controller, "NOT_CONTROLLER"},
    {ErrorCode::invalid_request, "INVALID_REQUEST"},
    {ErrorCode::unsupported_for_message_format, "UNSUPPORTED_FOR_MESSAGE_FORMAT"},
    {ErrorCode::security_disabled, "SECURITY_DISABLED"},
    {ErrorCode::kafka_storage_error, "KAFKA_STORAGE_ERROR"},
    {ErrorCode::sasl_authentication_failed, "SASL_AUTHENTICATION_FAILED"},
    {ErrorCode::group_id_not_found, "GROUP_ID_NOT_FOUND"},
    {ErrorCode::listener_not_found, "LISTENER_NOT_FOUND"},
    {ErrorCode::fenced_leader_epoch, "FENCED_LEADER_EPOCH"},
    {ErrorCode::unknown_leader_epoch, "UNKNOWN_LEADER_EPOCH"},
    {ErrorCode::offset_not_available, "OFFSET_NOT_AVAILABLE"},
    {ErrorCode::unstable_offset_commit, "UNSTABLE_OFFSET_COMMIT"},
    {ErrorCode::throttling_quota_exceeded, "THROTTLING_QUOTA_EXCEEDED"},
    {ErrorCode::unknown_topic_id, "UNKNOWN_TOPIC_ID"},
    {ErrorCode::inconsistent_topic_id, "INCONSISTENT_TOPIC_ID"},
    {ErrorCode::mismatched_endpoint_type, "MISMATCHED_ENDPOINT_TYPE"},
};

}  // namespace

std::string_view name(ErrorCode code) {
  const auto* found = std::ranges::find(kNames, code, &Named::code);
  return found == std::end(kNames) ? std::string_view() : found->name;
}

std::string describe(ErrorCode code) {
  const auto number = std::to_underlying(code);
  return name(code).empty() ? fmt::format("error {}", number) : fmt::format("{} ({})", name(code), number);
}

bool is_passing(ErrorCode code) {
  switch (code) {
    case ErrorCode::leader_not_available:
    case ErrorCode::not_leader_or_follower:
    case ErrorCode::request_timed_out:
    case ErrorCode::broker_not_available:
    case ErrorCode::replica_not_available:
    case ErrorCode::network_exception:
    case ErrorCode::coordinator_load_in_progress:
    case ErrorCode::coordinator_not_available:
    case ErrorCode::not_coordinator:
    case ErrorCode::not_controller:
    case ErrorCode::kafka_storage_error:
    case ErrorCode::listener_not_found:
    case ErrorCode::fenced_leader_epoch:
    case ErrorCode::unknown_leader_epoch:
    case ErrorCode::offset_not_available:
    case ErrorCode::unstable_offset_commit:
    case ErrorCode::throttling_quota_exceeded:
    case ErrorCode::unknown_topic_id:
      return true;
    default:
      return false;
  }
}

bool is_refusal(ErrorCode code) {
  switch (code) {
    case ErrorCode::topic_authorization_failed:
    case ErrorCode::group_authorization_failed:
    case ErrorCode::cluster_authorization_failed:
    case ErrorCode::unsupported_sasl_mechanism:
    case ErrorCode::sasl_authentication_failed:
      return true;
    default:
      return false;
  }
}

}  // namespace qw::wire::kafka
