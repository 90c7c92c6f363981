#include "memstow/policy_network.h"

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "expect.h"

namespace memstow {
namespace {

using Arrays = std::vector<std::vector<float>>;

/*! \brief Sizes of a network; `bins` 0: the value is a number. */
struct Sizes {
  size_t embedding, features, hidden, latent, trunk, bins, reward_bins;
};

Arrays RandomArrays(const Sizes& n, uint32_t seed) {
  std::mt19937 random(seed);
  const auto draw = [&random](size_t count) {
    std::vector<float> numbers(count);
    for (float& x : numbers) x = static_cast<float>(random() % 2001) / 1000.0F - 1.0F;
    return numbers;
  };
  const size_t values = std::max<size_t>(1, n.bins), step = n.latent + kNumActions + n.embedding;
  return {draw(n.hidden * (n.embedding + n.features)),
          draw(n.hidden),
          draw(n.latent * n.hidden),
          draw(n.latent),
          draw(n.trunk * n.latent),
          draw(n.trunk),
          draw(kNumActions * n.trunk),
          draw(kNumActions),
          draw(kNumActions * n.trunk),
          draw(kNumActions),
          draw(values * n.trunk),
          draw(values),
          draw(n.bins),
          draw(n.hidden * step),
          draw(n.hidden),
          draw(n.latent * n.hidden),
          draw(n.latent),
          draw(n.reward_bins * n.hidden),
          draw(n.reward_bins),
          draw(n.reward_bins)};
}

PolicyNetwork NetworkOf(const Arrays& arrays) {
  return PolicyNetwork(std::vector<Span<float>>(arrays.begin(), arrays.end()));
}

using Numbers = std::vector<double>;

Numbers Dense(const std::vector<float>& weights, const std::vector<float>& bias, const Numbers& x) {
  Numbers out(bias.begin(), bias.end());
  for (size_t o = 0; o < out.size(); ++o) {
    for (size_t i = 0; i < x.size(); ++i) out[o] += static_cast<double>(weights[o * x.size() + i]) * x[i];
  }
  return out;
}

Numbers Relu(Numbers x) {
  for (double& each : x) each = std::max(0.0, each);
  return x;
}

Numbers Tanh(Numbers x) {
  for (double& each : x) each = std::tanh(each);
  return x;
}

double Mean(const Numbers& logits, const std::vector<float>& bins) {
  if (bins.empty()) return logits[0];
  double sum = 0.0, weighted = 0.0;
  for (size_t k = 0; k < bins.size(); ++k) {
    sum += std::exp(logits[k]);
    weighted += std::exp(logits[k]) * static_cast<double>(bins[k]);
  }
  return weighted / sum;
}

Numbers Joined(std::initializer_list<std::vector<float>> parts) {
  Numbers all;
  for (const std::vector<float>& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

bool Near(double a, double b) { return std::abs(a - b) < 2e-5; }

void LayersAreWhatTheFormulasSay() {
  for (const size_t bins : {0, 7}) {
    const Sizes n{3, 4, 9, 5, 6, bins, 8};
    const Arrays arrays = RandomArrays(n, 11);
    const PolicyNetwork network = NetworkOf(arrays);
    EXPECT(network.embedding_size() == 3 && network.num_features() == 4 && network.latent_size() == 5);
    const std::vector<float> embedding{0.5F, -1.0F, 0.0F}, next{1.5F, 0.25F, -0.5F}, features{1.0F, 0.0F, -2.0F, 4.0F};
    std::vector<float> prepared(network.hidden_size()), latent(5), following(5);
    network.Prepare(embedding.data(), prepared.data());
    network.Represent(prepared.data(), features.data(), latent.data());
    const Numbers hidden = Relu(Dense(arrays[0], arrays[1], Joined({embedding, features})));
    const Numbers state = Tanh(Dense(arrays[2], arrays[3], hidden));
    for (size_t k = 0; k < 5; ++k) EXPECT(Near(latent[k], state[k]));
    const std::array<float, kNumActions> outlooks{0.5F, -4.0F, 0.0F};
    const Prediction found = network.Predict(latent.data(), outlooks.data(), true);
    const Prediction imagined_too = network.Predict(latent.data(), nullptr, true);
    const Numbers trunk = Relu(Dense(arrays[4], arrays[5], state)), correction = Dense(arrays[6], arrays[7], trunk);
    const Numbers predicted = Dense(arrays[8], arrays[9], trunk);
    for (size_t a = 0; a < kNumActions; ++a) {
      EXPECT(Near(found.logits[a], correction[a] + kOutlookWeight * outlooks[a]));
      EXPECT(Near(imagined_too.logits[a], correction[a] + kOutlookWeight * predicted[a]));
    }
    EXPECT(Near(found.value, Mean(Dense(arrays[10], arrays[11], trunk), arrays[12])));
    EXPECT(imagined_too.value == found.value);
    EXPECT(network.Predict(latent.data(), outlooks.data(), false).logits == found.logits);
    for (const bool ends : {false, true}) {
      const double reward = network.Step(latent.data(), Action::kCopy, ends ? nullptr : next.data(), following.data());
      const std::vector<float> after = ends ? std::vector<float>(3, 0.0F) : next;
      const Numbers inside = Relu(Dense(arrays[13], arrays[14], Joined({latent, {0, 0, 1}, after})));
      const Numbers imagined = Tanh(Dense(arrays[15], arrays[16], inside));
      for (size_t k = 0; k < 5; ++k) EXPECT(Near(following[k], imagined[k]));
      const double folded = Mean(Dense(arrays[17], arrays[18], inside), arrays[19]);
      EXPECT(Near(reward, std::copysign(std::expm1(std::abs(folded)), folded)));
    }
  }
}

void LargeLogitsAreNoTrouble() {
  const Sizes n{1, 1, 1, 1, 1, 2, 2};
  Arrays arrays = RandomArrays(n, 1);
  for (std::vector<float>& array : arrays) array.assign(array.size(), 0.0F);
  arrays[11] = {1e4F, -1e4F};
  arrays[12] = {0.25F, 0.75F};
  arrays[18] = {-3e38F, 3e38F};
  arrays[19] = {1.0F, 2.0F};
  const PolicyNetwork network = NetworkOf(arrays);
  const float latent = 0.0F;
  float next = 9.0F;
  EXPECT(network.Predict(&latent, nullptr, true).value == 0.25);
  EXPECT(Near(network.Step(&latent, Action::kDrop, nullptr, &next), std::expm1(2.0)) && next == 0.0F);
}

void WrongSizesAreRefused() {
  const Sizes n{3, 4, 9, 5, 6, 7, 8};
  for (size_t changed = 0; changed < PolicyNetwork::kNumArrays; ++changed) {
    Arrays arrays = RandomArrays(n, 2);
    arrays[changed].push_back(0.0F);
    EXPECT(testing::Throws([&] { NetworkOf(arrays); }, "expected weights for each of") ||
           testing::Throws([&] { NetworkOf(arrays); }, "sizes do not fit together"));
    arrays[changed].clear();
    EXPECT(testing::Throws([&] { NetworkOf(arrays); }, "expected weights for each of") ||
           testing::Throws([&] { NetworkOf(arrays); }, "sizes do not fit together"));
  }
  Arrays arrays = RandomArrays(n, 2);
  arrays.pop_back();
  EXPECT(testing::Throws([&] { NetworkOf(arrays); }, "expected 20 arrays, found 19"));
  EXPECT(testing::Throws([&] { NetworkOf(RandomArrays({3, 4, 513, 5, 6, 7, 8}, 2)); }, "each of up to 512 outputs"));
}

void WeightsThatAreNoNumbersAreRefused() {
  for (const float wrong : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    Arrays arrays = RandomArrays({3, 4, 9, 5, 6, 7, 8}, 3);
    arrays[4][7] = wrong;
    EXPECT(testing::Throws([&] { NetworkOf(arrays); }, "expected finite weights"));
  }
}

}  // namespace
}  // namespace memstow

int main() {
  return memstow::testing::Run({
      {"layers are what the formulas say", memstow::LayersAreWhatTheFormulasSay},
      {"large logits are no trouble", memstow::LargeLogitsAreNoTrouble},
      {"wrong sizes are refused", memstow::WrongSizesAreRefused},
      {"weights that are no numbers are refused", memstow::WeightsThatAreNoNumbersAreRefused},
  });
}
