"""One run with a config of Hydra's; with `fail=true` it fails."""

import logging

import hydra
from omegaconf import DictConfig


@hydra.main(version_base=None, config_path="hydra_conf", config_name="config")
def main(config: DictConfig) -> None:
    logging.getLogger(__name__).info("lr %s", config.model.lr)
    if config.fail:
        raise ValueError("always")


main()
