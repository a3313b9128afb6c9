"""A stage's discriminator, its optimiser, and what both do in a step."""

from collections.abc import Mapping

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from upres.lab.losses.adversarial import discriminator_loss, generator_loss
from upres.lab.losses.discriminator import discriminator
from upres.lab.training.recipe import Stage
from upres.lab.training.schedule import rate_factor


class Critic:
    """The adversary of a stage at work.

    Not wrapped for several processes: the gradients of the network pass through it without leaving any in it, and its
    own are averaged here.

    Args:
        network: Gives logits for every pixel.
        stage: Whose ``adversary`` it is.
        fabric: Knows the precision and the other processes.
    """

    def __init__(self, network: nn.Module, stage: Stage, fabric: Fabric) -> None:
        self.network, self.stage, self._fabric = network.train(), stage, fabric
        self._settings = stage.adversary
        betas = (self._settings.betas[0], self._settings.betas[1])
        self.optimizer = torch.optim.Adam(
            network.parameters(), lr=self._settings.learning_rate, betas=betas, fused=True
        )
        self._noted: list[Tensor] = []

    @classmethod
    def of(
        cls, stage: Stage, before: "Critic | None", network: nn.Module, *, seed: int, fabric: Fabric
    ) -> "Critic | None":
        """The adversary of a stage that begins, which goes on with the discriminator of the one before if it is alike.

        Args:
            stage: That begins.
            before: Of the stage before.
            network: That is trained against it.
            seed: Of a new discriminator's weights.
            fabric: As for the constructor.

        Returns:
            None where the stage asks for no adversary.
        """
        width = stage.adversary.num_channels
        if not stage.adversary.weight:
            return None
        if before is not None and before.stage.adversary.num_channels == width:
            return cls(before.network, stage, fabric)
        planes = 1 if network.color_mode == "luma" else 3
        own: nn.Module = discriminator(in_channels=planes, num_channels=width, seed=seed)
        own = own.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return cls(fabric.to_device(own), stage, fabric)

    def opposed(self, loss: Tensor, sr: Tensor, hr: Tensor, step: int) -> Tensor:
        """The network's ``loss`` and, from the step at which the discriminator begins, its weighted adversarial loss.

        Args:
            loss: Of the stage's other terms.
            sr: ``(N, C, H, W)``, with the network's graph.
            hr: The true crops.
            step: Of the stage, from 0.
        """
        weight = self._settings.pressure(step, self.stage.steps)
        if not weight:
            return loss
        self.network.requires_grad_(requires_grad=False)
        if self._settings.loss == "hinge":
            fake = real = self._logits(sr)
        else:
            real, fake = self._logits(torch.cat((hr, sr))).chunk(2)
        return loss + weight * generator_loss(self._settings.loss, real.detach(), fake)

    def learn(self, sr: Tensor, hr: Tensor, step: int) -> Tensor:
        """Find the gradients of the discriminator on these crops, for `update`.

        Returns:
            Their norm; 0 before the discriminator begins.
        """
        self.optimizer.zero_grad(set_to_none=True)
        if not self._settings.pressure(step, self.stage.steps):
            return torch.zeros(())
        self.network.requires_grad_(requires_grad=True)
        real, fake = self._logits(torch.cat((hr, sr.detach()))).chunk(2)
        loss = discriminator_loss(self._settings.loss, real, fake)
        self._fabric.backward(loss)
        self._noted.append(torch.stack((loss.detach(), real.detach().mean() - fake.detach().mean())).cpu())
        gradients = [parameter.grad for parameter in self.network.parameters() if parameter.grad is not None]
        if self._fabric.world_size > 1:
            for gradient in gradients:
                gradient.copy_(torch.as_tensor(self._fabric.all_reduce(gradient, reduce_op="mean")))
        return nn.utils.get_total_norm(gradients).cpu()

    def update(self, step: int) -> None:
        """Take a step by the gradients that `learn` found, if any, at the rate of this step (from 0) of the stage."""
        for group in self.optimizer.param_groups:
            group["lr"] = self._settings.learning_rate * rate_factor(self.stage, step)
        self.optimizer.step()

    def figures(self) -> Mapping[str, float]:
        """For the log: the mean loss since the last call, and by how much true pixels' logits lay above made ones'."""
        if not self._noted:
            return {}
        loss, gap = torch.stack(self._noted).mean(0).tolist()
        self._noted = []
        return {"critic_loss": loss, "critic_gap": gap}

    def _logits(self, pictures: Tensor) -> Tensor:
        with self._fabric.autocast():
            logits: Tensor = self.network(pictures.contiguous(memory_format=torch.channels_last))
        return logits.float()
