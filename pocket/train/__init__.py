"""Training of the pocket, in stages that resume: vae, latents, unet, decoder, judge, export."""
