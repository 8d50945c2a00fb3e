"""Networks whose kernels learn to do with a few values."""

from typing import Any

import keras

from keras_colorize.exporting.compression import LAST, Compression, Floats, tfmot, weights_of


class Clustering(Compression):
    """Gives the weights of each kernel a few values in common (Han et al. 2016, section 3)."""

    def __init__(self, equalized: keras.Model, clusters: int) -> None:
        """Builds.

        Args:
            equalized: as in `Compression`.
            clusters: values of each kernel, 2 or more.
        """
        self.clusters = clusters
        super().__init__(equalized)

    def wrapped(self, layer: Any) -> Any:
        """Clusters the kernel of a layer."""
        if not layer.weights or layer.name == LAST:
            return layer
        init = tfmot.clustering.keras.CentroidInitialization.KMEANS_PLUS_PLUS
        return tfmot.clustering.keras.cluster_weights(
            layer, number_of_clusters=self.clusters, cluster_centroids_init=init
        )

    def kernels(self) -> dict[str, list[Floats]]:
        """As of `Compression`: with their few values."""
        return weights_of(tfmot.clustering.keras.strip_clustering(self.model))
