#pragma once
#include <memory>

#include "config/reflector.hpp"
#include "daemon/export/reflector_metrics.hpp"
#include "probes/network/reflector.hpp"

namespace qw {

/// The reflector that the configuration asks for; null where it asks for none. Errors name the address.
Result<std::unique_ptr<probes::Reflector>> open_reflector(asio::any_io_executor executor,
                                                          const config::ReflectorOptions& options);

/// What it did, as the page shows it.
exporting::Reflections reflections_of(const probes::Reflector::Stats& stats);

}  // namespace qw
