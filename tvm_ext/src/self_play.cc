#include "memstow/self_play.h"

#include <tvm/ffi/error.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <thread>

namespace memstow {

namespace {

/*! The finaliser of SplitMix64 (Steele et al., OOPSLA 2014): every bit of the input matters to every bit of the output.
 */
uint64_t Mixed(uint64_t bits) {
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9U;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebU;
  return bits ^ (bits >> 31);
}

}  // namespace

uint64_t SeedOf(uint64_t seed, uint64_t number) {
  constexpr uint64_t kGolden = 0x9e3779b97f4a7c15U;
  return Mixed(Mixed(seed + kGolden) + (number + 1) * kGolden);
}

SearchResult SearchState(const GameState& state, TreeModel* model, GumbelSearch* search, uint64_t seed,
                         std::mt19937_64* random) {
  random->seed(SeedOf(seed, state.NumDecided()));
  return search->Run(model, random);
}

SearchedDecision DecideBySearch(GameState* state, TreeModel* model, GumbelSearch* search, double unit_seconds,
                                uint64_t seed, std::mt19937_64* random) {
  SearchedDecision decision;
  decision.found = SearchState(*state, model, search, seed, random);
  decision.legal = search->nodes()[0].evaluation.legal;
  const double before = state->Seconds();
  state->Apply(decision.found.action);
  decision.reward = (before - state->Seconds()) / unit_seconds;
  return decision;
}

void RunInParallel(size_t count, int32_t threads, const std::function<void(size_t)>& job) {
  if (threads < 1) TVM_FFI_THROW(ValueError) << "expected at least 1 thread, found " << threads;
  std::vector<std::exception_ptr> errors(count);
  std::atomic<size_t> next{0};
  const auto work = [&] {
    for (size_t k = next++; k < count; k = next++) {
      try {
        job(k);
      } catch (...) {
        errors[k] = std::current_exception();
      }
    }
  };
  std::vector<std::thread> others;
  for (size_t k = 1; k < std::min(count, static_cast<size_t>(threads)); ++k) others.emplace_back(work);
  work();
  for (std::thread& other : others) other.join();
  for (const std::exception_ptr& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

}  // namespace memstow
